/* The system calls setsockopt and getsockopt, and the socket layer's options. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <lib/string.h>
#include <net/socket.h>
#include <syscall_prototypes.h>
#include <task/cred.h>

struct timeval {
	s64 sec, usec;
};
struct linger {
	s32 on, seconds;
};

/* What packets carry; a family without packets keeps it all the same. */
static int set_tag(struct socket *s, int name, const void __user *val, int len)
{
	u32 v;

	if (len < (int)sizeof(v))
		return -EINVAL;
	if (copy_from_user(&v, val, sizeof(v)))
		return -EFAULT;
	if ((name == SO_MARK || v > 6) && !capable(CAP_NET_ADMIN) &&
	    !capable(CAP_NET_RAW))
		return -EPERM;
	if (name == SO_MARK)
		s->mark = v;
	else
		s->priority = v;
	return 0;
}

static int set_linger(struct socket *s, const void __user *val, int len)
{
	struct linger l;

	if (len < (int)sizeof(l))
		return -EINVAL;
	if (copy_from_user(&l, val, sizeof(l)))
		return -EFAULT;
	if (l.on) {
		s->options |= 1u << SO_LINGER;
		s->linger_s = l.seconds;
	} else {
		s->options &= ~(1u << SO_LINGER);
	}
	return 0;
}

/* 0, for ever, stands also for what the clock will not see; the past is the
 * shortest time that is not 0. */
static u64 timeout_ns(const struct timeval *tv)
{
	if (tv->sec < 0)
		return 1;
	if (tv->sec >= S64_MAX / (s64)NSEC_PER_SEC / 2)
		return 0;
	return (u64)tv->sec * NSEC_PER_SEC + (u64)tv->usec * NSEC_PER_USEC;
}

/* Options that are the socket layer's own; 1: not one of them. */
static int set_common(struct socket *s, int name, const void __user *val,
		      int len)
{
	struct timeval tv;
	u64 ns;
	int on;

	switch (name) {
	case SO_PRIORITY:
	case SO_MARK:
		return set_tag(s, name, val, len);
	case SO_LINGER:
		return set_linger(s, val, len);
	case SO_DEBUG:
		if (!capable(CAP_NET_ADMIN))
			return -EACCES;
		fallthrough;
	case SO_PASSCRED:
	case SO_REUSEADDR:
	case SO_DONTROUTE:
	case SO_BROADCAST:
	case SO_KEEPALIVE:
	case SO_OOBINLINE:
		if (len < (int)sizeof(on))
			return -EINVAL;
		if (copy_from_user(&on, val, sizeof(on)))
			return -EFAULT;
		if (name == SO_PASSCRED)
			s->pass_cred = on != 0;
		else if (on)
			s->options |= 1u << name;
		else
			s->options &= ~(1u << name);
		return 0;
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		if (len < (int)sizeof(tv))
			return -EINVAL;
		if (copy_from_user(&tv, val, sizeof(tv)))
			return -EFAULT;
		if (tv.usec < 0 || tv.usec >= 1000000)
			return -EDOM;
		ns = timeout_ns(&tv);
		if (name == SO_RCVTIMEO)
			s->rcv_timeo_ns = ns;
		else
			s->snd_timeo_ns = ns;
		return 0;
	}
	return 1;
}

long sys_setsockopt(int fdno, int level, int name, const void __user *val,
		    int len)
{
	struct socket *s;
	struct fd fd;
	long ret;

	if (len < 0)
		return -EINVAL;
	ret = socket_find(fdno, &fd, &s);
	if (ret)
		return ret;
	ret = level == SOL_SOCKET ? set_common(s, name, val, len) : 1;
	if (ret == 1)
		ret = s->ops->setsockopt ?
			      s->ops->setsockopt(s, level, name, val, len) :
			      -ENOPROTOOPT;
	fd_release(fd);
	return ret;
}

static int get_common(struct socket *s, int name, void *val, int *len)
{
	struct linger l;
	struct timeval tv;
	u64 ns;
	int v;

	switch (name) {
	case SO_LINGER:
		l = (struct linger){ s->options >> SO_LINGER & 1, s->linger_s };
		*len = min_t(int, *len, (int)sizeof(l));
		memcpy(val, &l, (size_t)*len);
		return 0;
	case SO_PRIORITY:
		v = (int)s->priority;
		break;
	case SO_MARK:
		v = (int)s->mark;
		break;
	case SO_SNDLOWAT:
		v = 1;
		break;
	case SO_TYPE:
		v = s->type;
		break;
	case SO_DOMAIN:
		v = s->family;
		break;
	case SO_PROTOCOL:
		v = s->protocol;
		break;
	case SO_PASSCRED:
		v = s->pass_cred;
		break;
	case SO_DEBUG:
	case SO_REUSEADDR:
	case SO_DONTROUTE:
	case SO_BROADCAST:
	case SO_KEEPALIVE:
	case SO_OOBINLINE:
		v = s->options >> name & 1;
		break;
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		ns = name == SO_RCVTIMEO ? s->rcv_timeo_ns : s->snd_timeo_ns;
		tv.sec = (s64)(ns / NSEC_PER_SEC);
		tv.usec = (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC);
		*len = min_t(int, *len, (int)sizeof(tv));
		memcpy(val, &tv, (size_t)*len);
		return 0;
	default:
		return 1;
	}
	*len = min_t(int, *len, (int)sizeof(v));
	memcpy(val, &v, (size_t)*len);
	return 0;
}

long sys_getsockopt(int fdno, int level, int name, void __user *val,
		    int __user *ulen)
{
	u64 buf[32];
	struct socket *s;
	struct fd fd;
	int len;
	long ret;

	if (get_user(len, ulen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	ret = socket_find(fdno, &fd, &s);
	if (ret)
		return ret;
	len = min_t(int, len, (int)sizeof(buf));
	ret = level == SOL_SOCKET ? get_common(s, name, buf, &len) : 1;
	if (ret == 1) {
		if (level == SOL_SOCKET && name != SO_PEERCRED)
			len = min_t(int, len, (int)sizeof(int));
		ret = s->ops->getsockopt ?
			      s->ops->getsockopt(s, level, name, buf, &len) :
			      -ENOPROTOOPT;
	}
	fd_release(fd);
	if (!ret && (copy_to_user(val, buf, (size_t)len) || put_user(len, ulen)))
		ret = -EFAULT;
	return ret;
}
