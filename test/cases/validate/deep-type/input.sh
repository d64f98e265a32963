#!/bin/bash
deep() { printf "$1%.0s" $(seq "$2"); }
printf '{"type":'; deep '[' 10000; deep ']' 10000; echo '}'; echo '{"type":"x"}'
