#!/bin/bash
echo "#### OS COMP TEST GROUP START bash@ ####"
pwd
grep -c . /proc/self/mounts >/dev/null && echo "proc ok"
id -un nobody
echo >/dev/shm/x && echo "shm ok"
echo "#### OS COMP TEST GROUP END bash@ ####"
