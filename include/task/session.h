#pragma once
/* setpgid(2) and setsid(2). */
int session_setpgid(int pid, int pgid);
int session_setsid(void);	/* the new session's number */
