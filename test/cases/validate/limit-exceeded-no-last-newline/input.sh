#!/bin/bash
line() { printf '{"type":"x","a":"'; head -c $(($1 - 19)) /dev/zero | tr '\0' a; printf '"}'; }
echo '{"type":"x"}'; line 1048577
