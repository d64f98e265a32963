#!/bin/bash
deep() { printf "$1%.0s" $(seq "$2"); }
printf '{"type":"x","a":'; deep '[' 10000; deep ']' 10000; echo '}'
