/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * distccd - listen, judge addresses, start workers, hand out compile slots.
 * This process reads no byte that came from the network.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "server/listener/announce.h"
#include "server/listener/auth.h"
#include "server/listener/clients.h"
#include "server/listener/config.h"
#include "server/listener/confine.h"
#include "server/listener/daemon.h"
#include "server/listener/jailer.h"
#include "server/listener/serve.h"
#include "server/listener/signals.h"
#include "server/listener/spawn.h"

static struct server server;

static bool
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Descriptors 0 to 2 must be something, or files of ours would land there. */
static void
open_stdio(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* A relative name would change its meaning when we leave the directory. */
static const char *
absolute(const char *file)
{
	AUTOFREE char *cwd = NULL;

	if (file == NULL || file[0] == '/' ||
	    (cwd = getcwd(NULL, 0)) == NULL)
		return file;
	return mem_printf("%s/%s", cwd, file);
}

static void
settle_options(struct options *o)
{
	if (o->mode == MODE_GUESS)
		o->mode = is_socket(STDIN_FILENO) ? MODE_INETD : MODE_DAEMON;
	o->log_file = absolute(o->log_file);
	o->pid_file = absolute(o->pid_file);
	if (o->mode == MODE_INETD) {
		o->jobs = 1;
		o->pool = 1;
		o->max_clients = 1;
	}
	log_set_level(o->log_level);
}

static int
check_allow(const struct options *o)
{
	if (o->mode == MODE_INETD || o->show != SHOW_NOTHING || o->nrules != 0)
		return 0;
	log_errx("--allow is missing: say who may use this server, for "
	    "instance\n    distccd --daemon --allow 192.168.0.0/24\n"
	    "    distccd --daemon --allow 127.0.0.1 --allow 2001:db8::/32\n"
	    "    distccd --daemon --allow-private");
	return EXIT_BAD_ARGUMENTS;
}

static void
warn_insecure(const struct options *o)
{
	if (o->any_command)
		log_warnx("--enable-tcp-insecure: EVERY CLIENT IN --allow MAY "
		    "RUN ANY COMMAND of this machine's toolchain directories; "
		    "only the jail is left between it and the machine");
}

/* Whom, what, where: everything that needs no other process. */
static int
prepare(struct server *s)
{
	if (ids_find(s->opt.user, &s->ids) < 0)
		return EXIT_SETUID_FAILED;
	if (spawn_init() < 0 || loop_open() < 0)
		return EXIT_DISTCC_FAILED;
	if (daemon_check_log(&s->opt, &s->ids) < 0)
		return EXIT_DISTCC_FAILED;
	serve_open_files(s);
	if (config_make(&s->opt, &s->ids, &s->config_fd, &s->config) < 0)
		return EXIT_BAD_ARGUMENTS;
	if (clients_init(s) < 0 || jailer_init(s) < 0)
		return EXIT_OUT_OF_MEMORY;
	if (auth_init(s) < 0)
		return EXIT_GSSAPI_FAILED;
	warn_insecure(&s->opt);
	if (s->config->ncompilers == 0 && s->config->any_command == 0 &&
	    s->opt.show == SHOW_NOTHING)
		log_warnx("no compiler was found on DISTCCD_PATH or "
		    "/usr/local/bin:/usr/bin; every job will be refused");
	return 0;
}

static int
show_sandbox(struct server *s)
{
	int code = 0;

	if (jailer_start(s) < 0)
		return EXIT_DISTCC_FAILED;
	jailer_print(s, s->opt.show == SHOW_JSON);
	(void)fflush(stdout);
	if (jailer_verdict(s) < 0)
		code = EXIT_DISTCC_FAILED;
	jailer_stop(s);
	return code;
}

/* From here on in the process that stays. */
static int
start(struct server *s)
{
	if (signals_open(s) < 0) {
		log_err("can't set up signals");
		return EXIT_DISTCC_FAILED;
	}
	if (jailer_start(s) < 0 || jailer_verdict(s) < 0)
		return EXIT_DISTCC_FAILED;
	if (auth_open(s) < 0)
		return EXIT_GSSAPI_FAILED;
	if (daemon_write_pid(s->opt.pid_file, &s->ids) < 0)
		return EXIT_IO_ERROR;
	if (daemon_open_log(&s->opt, &s->ids) < 0)
		return EXIT_DISTCC_FAILED;
	if (s->opt.mode == MODE_DAEMON && chdir("/") < 0)
		log_warn("can't change to /");
	/* it runs a compiler once, which the rules do not let us do */
	if (s->opt.mode == MODE_DAEMON && announce_start(s) < 0)
		return EXIT_DISTCC_FAILED;
	return confine_listener(s) < 0 ? EXIT_SETUID_FAILED : 0;
}

static int
run_daemon(struct server *s)
{
	int fds[NET_SOCKETS_MAX];
	size_t n;
	int code;

	if (net_listen(&s->opt, fds, &n) < 0)
		return EXIT_BIND_FAILED;
	if (!s->opt.no_detach && daemon_detach() < 0) {
		log_err("can't go to the background");
		return EXIT_DISTCC_FAILED;
	}
	if ((code = start(s)) != 0)
		return code;
	if (serve_listen(s, fds, n) < 0)
		return EXIT_DISTCC_FAILED;
	log_notice("event=started version=%s port=%u jobs=%u compilers=%u "
	    "sandbox=%s user=%s", VERSION, s->opt.port, s->opt.jobs,
	    s->config->ncompilers, s->opt.is_reduced ? "reduced" : "strict",
	    s->ids.is_root ? s->ids.name : "(own)");
	daemon_ready();
	code = serve_loop(s);
	daemon_remove_pid(s->opt.pid_file, &s->ids);
	return code;
}

static int
run_inetd(struct server *s)
{
	int code = start(s);

	if (code != 0)
		return code;
	s->is_inetd = true;
	if (serve_stdio(s) < 0) {
		jailer_stop(s);
		return EXIT_ACCESS_DENIED;
	}
	open_stdio();
	return serve_loop(s);
}

static int
run(struct server *s)
{
	int code;

	s->started_ms = clock_ms();
	s->stop_at_ms = -1;
	s->spare_fd = -1;
	settle_options(&s->opt);
	/* under inetd, stderr is the client */
	if (s->opt.mode == MODE_INETD && is_socket(STDERR_FILENO))
		log_to_syslog(LOG_DAEMON);
	if ((code = check_allow(&s->opt)) != 0 || (code = prepare(s)) != 0)
		return code;
	if (s->opt.show != SHOW_NOTHING)
		return show_sandbox(s);
	return s->opt.mode == MODE_INETD ? run_inetd(s) : run_daemon(s);
}

int
main(int argc, char **argv)
{
	log_init("distccd");
	open_stdio();
	if (options_parse(&server.opt, argc, argv) < 0)
		return EXIT_BAD_ARGUMENTS;
	switch (server.opt.show) {
	case SHOW_HELP:
		options_help();
		return 0;
	case SHOW_VERSION:
		options_version();
		return 0;
	case SHOW_PRINCIPAL:
		options_show_principal();
		return 0;
	default:
		return run(&server);
	}
}
