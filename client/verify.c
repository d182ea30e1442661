/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "client/body.h"
#include "client/incbin.h"
#include "client/scan/ask.h"
#include "client/searchpath.h"
#include "client/verify.h"
#include "client/verify_list.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

#define DISTRUST_S	60	/* what a host could not say is believed so long */
#define WAIT_MS		20000	/* for another client that asks */
#define LOOK_AGAIN_MS	5
#define NUMBERED_MAX	(1024 * 1024)	/* higher numbers are not kept */
#define LOCK_NAME	"verify"	/* and a number for each host */

/*
 * The store's value for a host and a scanner's epoch: for each number that the
 * scanner gives whether the host has the same.
 */
struct numbered {
	int64_t when_s;			/* of the oldest of these */
	uint64_t bits[];
};

#define WORD_BITS	64

/* ---- what is known by number ---- */

static struct store_key
numbered_key(const struct verify *v, const struct scan_answer *a)
{
	return store_key_of(verify_key(v, "numbered"), &a->epoch,
	    sizeof(a->epoch));
}

/*
 * What is known of the scanner's numbers; where nothing is, nwords is 0.
 * Lent until something else is put into the store.
 */
static const struct numbered *
find_numbered(const struct verify *v, struct store_key k, size_t *nwords)
{
	const struct numbered *known;
	union { const unsigned char *bytes; const struct numbered *value; } p;
	struct view value;

	*nwords = 0;
	if (store_find(v->store, k, &value) < 0 ||
	    value.len < sizeof(*known))
		return NULL;
	p.bytes = value.ptr;		/* values are aligned to 8 */
	known = p.value;
	if (verify_is_fresh(known->when_s, verify_now_s()))
		*nwords = (value.len - sizeof(*known)) /
		    sizeof(known->bits[0]);
	return known;
}

/*
 * Whether the host is known to have each of the answer's numbered files, and there
 * is nothing else to be asked: a scanner may have no number left for some.
 */
static bool
are_known(const struct verify *v, const struct scan_answer *a)
{
	size_t nplain = a->is_named ? a->n - a->nnumbers : a->n;
	const struct numbered *known;
	enum incbin_state rooted = verify_rooted(v);
	size_t nwords;

	if (a->nnumbers == 0 ||
	    (a->rooted != NULL && rooted != INCBIN_SAME) ||
	    (v->wants_rooted && rooted == INCBIN_UNKNOWN))
		return false;
	for (size_t i = 0; i < nplain; i++)
		if (a->entries[i].is_system &&
		    a->entries[i].kind != SCAN_SYSTEMDIR)
			return false;
	known = find_numbered(v, numbered_key(v, a), &nwords);
	for (size_t i = 0; i < a->nnumbers; i++) {
		uint32_t n = a->numbers[i];

		if (n / WORD_BITS >= nwords || (known->bits[n / WORD_BITS] >>
		    n % WORD_BITS & 1) == 0)
			return false;
	}
	return true;
}

/*
 * A bit for each of the answer's numbers that was compared with the host's.  A
 * link has none: it is the same for the headers behind it in this answer only.
 */
static void
set_bits(const struct scan_answer *a, struct numbered *to)
{
	const struct scan_entry *named = a->entries + a->n - a->nnumbers;

	for (size_t i = 0; i < a->nnumbers; i++) {
		uint32_t n = a->numbers[i];

		if (verify_is_of_host(&named[i]))
			to->bits[n / WORD_BITS] |= UINT64_C(1) <<
			    n % WORD_BITS;
	}
}

static void
remember_numbers(const struct verify *v, const struct scan_answer *a,
    int64_t when_s)
{
	struct store_key k = numbered_key(v, a);
	AUTOFREE struct numbered *to = NULL;
	const struct numbered *had;
	size_t nwords, most = 0;

	for (size_t i = 0; i < a->nnumbers; i++)
		if (a->numbers[i] / WORD_BITS >= most)
			most = a->numbers[i] / WORD_BITS + 1;
	if (most > NUMBERED_MAX / WORD_BITS ||
	    store_lock(v->store, VERIFY_STORE_WAIT_MS) < 0)
		return;
	had = find_numbered(v, k, &nwords);
	if (nwords > most)
		most = nwords;
	to = mem_calloc(1, sizeof(*to) + most * sizeof(to->bits[0]));
	to->when_s = nwords != 0 && had->when_s < when_s ? had->when_s :
	    when_s;
	if (nwords != 0)
		memcpy(to->bits, had->bits, nwords * sizeof(to->bits[0]));
	set_bits(a, to);
	(void)!store_put(v->store, k, to, sizeof(*to) +
	    most * sizeof(to->bits[0]));
	store_unlock(v->store);
}

/* ---- distrust ---- */

void
verify_distrust(const struct verify *v, const char *why)
{
	char value[sizeof(int64_t) + VERIFY_WHY_BYTES] = { 0 };
	int64_t now = verify_now_s();

	memcpy(value, &now, sizeof(now));
	(void)snprintf(value + sizeof(now), VERIFY_WHY_BYTES, "%s", why);
	if (v->store == NULL || store_lock(v->store, VERIFY_STORE_WAIT_MS) < 0)
		return;
	(void)!store_put(v->store, verify_key(v, "distrust"), value,
	    sizeof(value));
	store_unlock(v->store);
}

bool
verify_is_distrusted(const struct verify *v, char why[VERIFY_WHY_BYTES])
{
	struct view value;
	int64_t when, now = verify_now_s();

	if (store_find(v->store, verify_key(v, "distrust"), &value) < 0 ||
	    value.len != sizeof(when) + VERIFY_WHY_BYTES)
		return false;
	memcpy(&when, value.ptr, sizeof(when));
	memcpy(why, value.ptr + sizeof(when), VERIFY_WHY_BYTES);
	why[VERIFY_WHY_BYTES - 1] = '\0';
	return now >= when && now - when < DISTRUST_S;
}

/* ---- asking ---- */

static int
send_job(const struct verify *v, char *const *argv, struct view source,
    struct remote_result *res)
{
	static char dir[] = INCBIN_DIR;
	struct fileset files;
	struct remote_job job = { .argv = argv, .files = &files };
	int r;

	fileset_init(&files, dir);
	r = fileset_one(&files, INCBIN_DIR "/" INCBIN_SOURCE, source);
	if (r == 0)
		r = remote_run(v->env, v->host, &job, res);
	else
		(void)snprintf(res->why, sizeof(res->why), "%s", err_text(r));
	fileset_free(&files);
	return r;
}

/* What went wrong with our job is the user's job's fault, too. */
static void
pass_fault(int r, const struct remote_result *answer,
    struct remote_result *res)
{
	res->is_silent = answer->is_silent;
	(void)snprintf(res->why, sizeof(res->why), "%s",
	    answer->why[0] != '\0' ? answer->why : err_text(r));
}

/* Nothing but the format can be at fault: the source is ours. */
static int
explain(const struct verify *v, const struct remote_result *res,
    char why[VERIFY_WHY_BYTES])
{
	char text[VERIFY_WHY_BYTES / 2];

	(void)snprintf(why, VERIFY_WHY_BYTES, "%s cannot show its headers: %s",
	    v->host->spec, log_escape(buf_view(&res->part[REPLY_SERR]), text,
	    sizeof(text)));
	verify_distrust(v, why);
	return ERR_UNSUPPORTED;
}

static int
ask_once(const struct verify *v, bool is_guarded, struct verify_list l,
    size_t *n, char why[VERIFY_WHY_BYTES], struct remote_result *res)
{
	static char in[] = INCBIN_SOURCE, out[] = INCBIN_OBJECT, c[] = "-c",
	    w[] = "-w", o[] = "-o";
	char *argv[] = { v->argv[0], w, c, in, o, out, NULL };
	struct incbin ib = { .known = l.known };
	struct remote_result answer;
	int r = incbin_write(&ib, is_guarded, l.e, l.n, n);

	remote_result_init(&answer);
	if (r == 0)
		r = send_job(v, argv, buf_view(&ib.source), &answer);
	if (r < 0) {
		pass_fault(r, &answer, res);
	} else if (answer.status != 0) {
		r = is_guarded ? explain(v, &answer, why) : ERR_NOENT;
	} else {
		r = incbin_compare(&ib, buf_view(&answer.part[REPLY_DOTO]),
		    l.e, *n);
		if (r < 0)
			(void)snprintf(res->why, sizeof(res->why),
			    "its headers: %s", err_text(r));
	}
	remote_result_free(&answer);
	buf_free(&ib.source);
	return r;
}

/* Most have all of them; where one is missing each is asked for. */
static int
ask(const struct verify *v, struct verify_list *l, char why[VERIFY_WHY_BYTES],
    struct remote_result *res)
{
	bool is_guarded = false;
	size_t n = 0;
	int r = 0;

	log_info("comparing %zu headers with those of %s", l->n,
	    v->host->spec);
	for (size_t i = 0; r == 0 && i < l->n; i += n) {
		struct verify_list rest = { .e = l->e + i, .n = l->n - i,
		    .known = l->known };

		r = ask_once(v, is_guarded, rest, &n, why, res);
		if (r == ERR_NOENT) {
			is_guarded = true;
			r = ask_once(v, true, rest, &n, why, res);
		}
	}
	verify_list_remember(v, l);
	return r;
}

/* One client asks, the others wait and find the answer. */
static int
take_turn(const struct verify *v)
{
	AUTOFREE char *path = mem_printf("%s/" LOCK_NAME "-%016llx", v->dir,
	    (unsigned long long)verify_key(v, "lock").a);
	AUTOFD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	const struct timespec pause = { 0, LOOK_AGAIN_MS * 1000000L };
	int64_t deadline = clock_ms() + WAIT_MS;

	if (fd < 0)
		return err_from_errno(errno);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_from_errno(errno);
		if (clock_ms() >= deadline)
			return ERR_TIMEOUT;
		(void)nanosleep(&pause, NULL);
	}
	return fd_take(&fd);
}

static int
wait_ended(const struct verify *v, char why[VERIFY_WHY_BYTES])
{
	(void)snprintf(why, VERIFY_WHY_BYTES,
	    "another job asks %s for its headers for too long", v->host->spec);
	return ERR_UNSUPPORTED;
}

static int
ask_in_turn(const struct verify *v, const struct scan_answer *a,
    struct verify_list *l, char why[VERIFY_WHY_BYTES],
    struct remote_result *res)
{
	AUTOFD turn = take_turn(v);
	int r;

	if (turn < 0)
		return wait_ended(v, why);
	if ((r = verify_list_fill(v, a, l, why)) < 0 || l->n == 0)
		return r;
	if ((r = ask(v, l, why, res)) < 0)
		return r;
	for (size_t i = 0; i < l->n; i++)
		if (l->e[i].state != INCBIN_SAME && !l->e[i].is_extra)
			return verify_say(v, l->e[i].entry, l->e[i].state, why);
	return 0;
}

/* The entries behind the answer's numbers. */
static int
name_numbers(const struct verify *v, struct scan_answer *a,
    char why[VERIFY_WHY_BYTES])
{
	const struct ask_where where = { v->dir, NULL };
	int r = a->nnumbers == 0 || a->is_named ? 0 : ask_name(&where, a);

	if (r == 0)
		return 0;
	(void)snprintf(why, VERIFY_WHY_BYTES, "the include scanner does not "
	    "say what it named: %s", err_text(r));
	return ERR_UNSUPPORTED;
}

/* ---- where it looks for them ---- */

static struct store_key
path_key(const struct verify *v, const struct scan_answer *a)
{
	return store_key_str(store_key_of(verify_key(v, "path"), &a->facts,
	    sizeof(a->facts)), a->search_path);
}

static void
remember_path(const struct verify *v, const struct scan_answer *a,
    enum incbin_state state)
{
	struct verify_verdict known = { .when_s = verify_now_s(), .state = state };

	if (state == INCBIN_NAME)	/* it may say so later */
		known.when_s -= VERIFY_AGE_MAX_S - DISTRUST_S;
	if (store_lock(v->store, VERIFY_STORE_WAIT_MS) < 0)
		return;
	(void)!store_put(v->store, path_key(v, a), &known, sizeof(known));
	store_unlock(v->store);
}

static void
say_path(const struct verify *v, enum incbin_state state,
    char why[VERIFY_WHY_BYTES])
{
	(void)snprintf(why, VERIFY_WHY_BYTES, "%s %s", v->host->spec,
	    state == INCBIN_DIFFERS ? "looks elsewhere for headers" :
	    "does not show where it looks for headers");
}

/* It may fail, since some of the words are the user's, and show it all the same.
 * out     why: unless INCBIN_SAME is returned */
static enum incbin_state
judge_path(const struct verify *v, const struct scan_answer *a,
    const struct remote_result *answer, char why[VERIFY_WHY_BYTES])
{
	struct view said = buf_view(&answer->part[REPLY_SERR]), odd;
	char shown[VERIFY_WHY_BYTES / 2];
	size_t len;

	switch (searchpath_compare(a->search_path, said, &odd)) {
	case 0:
		return INCBIN_SAME;
	case ERR_NOENT:
		log_info("%s, or this machine, does not look for headers in "
		    "%s", v->host->spec, log_escape(odd, shown,
		    sizeof(shown)));
		say_path(v, INCBIN_DIFFERS, why);
		return INCBIN_DIFFERS;
	default:
		say_path(v, INCBIN_NAME, why);
		len = strlen(why);
		(void)snprintf(why + len, VERIFY_WHY_BYTES - len, ": %s",
		    log_escape(said, shown, sizeof(shown)));
		return INCBIN_NAME;
	}
}

/* out     state: INCBIN_SAME, INCBIN_DIFFERS, INCBIN_NAME: it does not say */
static int
ask_path(const struct verify *v, const struct scan_answer *a,
    enum incbin_state *state, char why[VERIFY_WHY_BYTES],
    struct remote_result *res)
{
	struct remote_result answer;
	struct words words;
	struct opts o;
	int r = searchpath_words(v->argv, INCBIN_SOURCE, INCBIN_OBJECT,
	    &words, &o);

	remote_result_init(&answer);
	if (r == 0)
		r = send_job(v, (char *const *)(uintptr_t)words.ptr,
		    view_str("int headers;\n"), &answer);
	if (r < 0) {
		pass_fault(r, &answer, res);
	} else {
		*state = judge_path(v, a, &answer, why);
		remember_path(v, a, *state);
	}
	remote_result_free(&answer);
	free(words.ptr);
	opts_free(&o);
	return r;
}

static int
verify_path(const struct verify *v, const struct scan_answer *a,
    char why[VERIFY_WHY_BYTES], struct remote_result *res)
{
	int64_t oldest_s = verify_now_s();
	enum incbin_state state;
	struct store_key key;
	int r;

	if (a->search_path == NULL || a->search_path[0] == '\0')
		return 0;
	key = path_key(v, a);
	state = verify_look_up(v, key, verify_now_s(), &oldest_s);
	if (state == INCBIN_UNKNOWN) {
		AUTOFD turn = take_turn(v);

		if (turn < 0)
			return wait_ended(v, why);
		state = verify_look_up(v, key, verify_now_s(), &oldest_s);
		if (state == INCBIN_UNKNOWN) {
			r = ask_path(v, a, &state, why, res);
			return r < 0 || state == INCBIN_SAME ? r :
			    ERR_UNSUPPORTED;
		}
	}
	if (state == INCBIN_SAME)
		return 0;
	say_path(v, state, why);
	return ERR_UNSUPPORTED;
}

int
verify_headers(const struct verify *v, struct scan_answer *a,
    char why[VERIFY_WHY_BYTES], struct remote_result *res)
{
	struct verify_list unknown = { .e = NULL };
	int r;

	if ((r = verify_path(v, a, why, res)) < 0)
		return r;
	if (are_known(v, a))
		return 0;
	if ((r = name_numbers(v, a, why)) < 0)
		return r;
	r = verify_list_fill(v, a, &unknown, why);
	if (r == 0)
		r = verify_list_check_names(v, &unknown, why);
	if (r == 0 && unknown.n != 0)
		r = ask_in_turn(v, a, &unknown, why, res);
	if (r == 0 && a->nnumbers != 0)
		remember_numbers(v, a, unknown.oldest_s);
	verify_list_free(&unknown);
	return r;
}
