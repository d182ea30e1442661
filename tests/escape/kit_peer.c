/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that talk: to the host, to the network, from one job to the next. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stddef.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit.h"

#define TEXT_BYTES	128

static int
send_on(int fd, const struct sockaddr *sa, socklen_t len, const char *text)
{
	int e = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, sa, len) < 0 || write(fd, text, strlen(text)) < 0)
		e = errno;
	(void)close(fd);
	return e;
}

/* unix PATH|@NAME TEXT */
static int
step_unix(struct kit *kit, char **arg, const char *rest)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(arg[0]);

	(void)kit;
	(void)rest;
	if (len >= sizeof(sun.sun_path))
		return ENAMETOOLONG;
	memcpy(sun.sun_path, arg[0], len);
	if (arg[0][0] == '@')
		sun.sun_path[0] = '\0';
	return send_on(socket(AF_UNIX, SOCK_STREAM, 0),
	    (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len), arg[1]);
}

static int
inet(int type, char **arg)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, arg[0], &sin.sin_addr) != 1)
		return EINVAL;
	sin.sin_port = htons((uint16_t)kit_number(arg[1]));
	return send_on(socket(AF_INET, type, 0), (struct sockaddr *)&sin,
	    sizeof(sin), arg[2]);
}

/* tcp ADDRESS PORT TEXT */
static int
step_tcp(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	return inet(SOCK_STREAM, arg);
}

static int
step_udp(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	return inet(SOCK_DGRAM, arg);
}

/* mqput NAME TEXT, mqget NAME */
static int
step_mqput(struct kit *kit, char **arg, const char *rest)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = TEXT_BYTES };
	mqd_t q = mq_open(arg[0], O_RDWR | O_CREAT | O_NONBLOCK, 0666, &attr);

	(void)kit;
	(void)rest;
	if (q < 0)
		return errno;
	return kit_result(mq_send(q, arg[1], strlen(arg[1]), 0));
}

static int
step_mqget(struct kit *kit, char **arg, const char *rest)
{
	mqd_t q = mq_open(arg[0], O_RDONLY | O_NONBLOCK);
	char text[TEXT_BYTES + 1] = "";

	(void)kit;
	(void)rest;
	if (q < 0 || mq_receive(q, text, TEXT_BYTES, NULL) < 0)
		return errno;
	kit_tell("GOT %s", text);
	(void)mq_unlink(arg[0]);
	return 0;
}

static int
step_mqdrop(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	return kit_result(mq_unlink(arg[0]));
}

/* shmput NAME TEXT, shmget NAME: POSIX shared memory */
static int
step_shmput(struct kit *kit, char **arg, const char *rest)
{
	int fd = shm_open(arg[0], O_RDWR | O_CREAT, 0666);

	(void)kit;
	(void)rest;
	if (fd < 0)
		return errno;
	return kit_result(write(fd, arg[1], strlen(arg[1])));
}

static int
step_shmget(struct kit *kit, char **arg, const char *rest)
{
	int fd = shm_open(arg[0], O_RDONLY, 0);
	char text[TEXT_BYTES + 1] = "";

	(void)kit;
	(void)rest;
	if (fd < 0 || read(fd, text, TEXT_BYTES) < 0)
		return errno;
	kit_tell("GOT %s", text);
	(void)shm_unlink(arg[0]);
	return 0;
}

/* sysvput KEY TEXT, sysvget KEY: a System V message, and a segment */
struct message {
	long type;
	char text[TEXT_BYTES];
};

static int
step_sysvput(struct kit *kit, char **arg, const char *rest)
{
	struct message m = { .type = 1 };
	int id = msgget((key_t)kit_number(arg[0]), IPC_CREAT | 0666);

	(void)kit;
	(void)rest;
	if (id < 0)
		return errno;
	(void)snprintf(m.text, sizeof(m.text), "%s", arg[1]);
	return kit_result(msgsnd(id, &m, sizeof(m.text), IPC_NOWAIT));
}

static int
step_sysvget(struct kit *kit, char **arg, const char *rest)
{
	struct message m = { .type = 1 };
	int id = msgget((key_t)kit_number(arg[0]), 0);

	(void)kit;
	(void)rest;
	if (id < 0 || msgrcv(id, &m, sizeof(m.text), 0, IPC_NOWAIT) < 0)
		return errno;
	kit_tell("GOT %s", m.text);
	(void)msgctl(id, IPC_RMID, NULL);
	return 0;
}

static int
step_shmseg(struct kit *kit, char **arg, const char *rest)
{
	int id = shmget((key_t)kit_number(arg[0]), 4096, IPC_CREAT | 0666);

	(void)kit;
	(void)rest;
	if (id < 0)
		return errno;
	(void)shmctl(id, IPC_RMID, NULL);
	return 0;
}

static int
step_sem(struct kit *kit, char **arg, const char *rest)
{
	int id = semget((key_t)kit_number(arg[0]), 1, IPC_CREAT | 0666);

	(void)kit;
	(void)rest;
	if (id < 0)
		return errno;
	(void)semctl(id, 0, IPC_RMID);
	return 0;
}

const struct kit_step kit_peer_steps[] = {
	{ "unix", 2, step_unix },
	{ "tcp", 3, step_tcp },
	{ "udp", 3, step_udp },
	{ "mqput", 2, step_mqput },
	{ "mqget", 1, step_mqget },
	{ "mqdrop", 1, step_mqdrop },
	{ "shmput", 2, step_shmput },
	{ "shmget", 1, step_shmget },
	{ "sysvput", 2, step_sysvput },
	{ "sysvget", 1, step_sysvget },
	{ "shmseg", 1, step_shmseg },
	{ "sem", 1, step_sem },
	{ NULL, 0, NULL },
};
