#!/bin/bash
deep() { printf "$1%.0s" $(seq "$2"); }
deep '[' 10000; echo; echo '{"type":"x"}'
