#!/bin/bash
for i in {1..20000}; do echo '{"type":"filler filler filler"}'; done
