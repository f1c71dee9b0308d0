# /etc/bash.bashrc: for interactive bash of every user.
[ -z "${PS1-}" ] && return
shopt -s checkwinsize histappend
PS1='\u@\h:\w\$ '
HISTCONTROL=ignoreboth
