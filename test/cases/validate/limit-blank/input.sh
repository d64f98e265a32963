#!/bin/bash
head -c 2000000 /dev/zero | tr '\0' ' '; echo; echo '{"type":"x"}'
