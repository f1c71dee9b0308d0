#!/bin/busybox sh
./step one
./step two
