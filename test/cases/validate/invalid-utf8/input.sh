#!/bin/bash
printf '{"type":"a\xff"}\n{"type":"\xc0\xaf"}\n{"type":"\xed\xa0\x80"}\n{"type":"\xf4\x90\x80\x80"}\n{"type":"\xe2\x82"}\n\xff\n{"type":"\xe2\x82\xac"}\n'
