#!/bin/bash
deep() { printf "$1%.0s" $(seq "$2"); }
printf '%s' '{"type":"connect","v":1,"seq":1,"ts":"2026-11-23T08:15:30.000001Z","id":"4001","pid":1234,"comm":"curl","family":4,"daddr":"192.0.2.1","dport":443,"via":"connect","a":'; deep '{"a":' 10000; printf 1; deep '}' 10000; echo '}'
