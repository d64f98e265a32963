#!/bin/bash
line() { printf '{"type":"x","a":"'; head -c $(($1 - 19)) /dev/zero | tr '\0' a; printf '"}'; }
line 1100000; echo; echo '{"type":"x"}'
