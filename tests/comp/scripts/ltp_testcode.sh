#!/bin/bash

echo "#### OS COMP TEST GROUP START ltp@ ####"
for file in ltp/testcases/bin/*; do
  if [ -f "$file" ]; then
    echo "RUN LTP CASE $(basename "$file")"
    "$file"
    ret=$?
    echo "FAIL LTP CASE $(basename "$file") : $ret"
  fi
done
echo "#### OS COMP TEST GROUP END ltp@ ####"
