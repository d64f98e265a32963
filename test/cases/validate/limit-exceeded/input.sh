#!/bin/bash
line() { printf '{"type":"x","a":"'; head -c $(($1 - 19)) /dev/zero | tr '\0' a; printf '"}'; }
line 1048577; echo; echo '{"type":"x"}'; line 5000000; echo; echo '{"type":"x"}'
