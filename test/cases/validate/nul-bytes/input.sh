#!/bin/bash
printf '{"type":"a\0b"}\n\0\n{"type":"x"}\0\n\0{"type":"x"}\n{"type":"x"}\n'
