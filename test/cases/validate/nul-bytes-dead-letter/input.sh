#!/bin/bash
printf 'a\0b\n'
