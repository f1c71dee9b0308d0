./busybox echo "#### OS COMP TEST GROUP START basic@ ####"
cd ./basic
./run-all.sh
cd ..
./busybox echo "#### OS COMP TEST GROUP END basic@ ####"
