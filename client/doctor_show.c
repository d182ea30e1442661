/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_show - the doctor's table, and the same as JSON. */
#include <stdio.h>
#include <string.h>

#include "client/doctor.h"
#include "client/json.h"

#define CELL_BYTES	64

struct row {
	const struct host *host;
	const struct doctor_report *report;
};

/* ---- cells ---- */

static void
show_host(const struct row *r, char *out)
{
	(void)snprintf(out, CELL_BYTES, "%s", r->host->spec);
}

static void
show_status(const struct row *r, char *out)
{
	(void)snprintf(out, CELL_BYTES, "%s",
	    doctor_status_name(r->report->status));
}

/* The address that a job would get: the first that answers. */
static const struct doctor_address *
best_address(const struct doctor_report *report)
{
	for (size_t i = 0; i < report->naddresses; i++)
		if (report->address[i].connect_us >= 0)
			return &report->address[i];
	return report->naddresses != 0 ? &report->address[0] : NULL;
}

static void
show_address(const struct row *r, char *out)
{
	const struct doctor_address *a = best_address(r->report);

	(void)snprintf(out, CELL_BYTES, a != NULL ? "%s%s" : "-",
	    a != NULL ? a->text : "", r->report->naddresses > 1 ? " ..." : "");
}

static void
show_connect(const struct row *r, char *out)
{
	const struct doctor_address *a = best_address(r->report);

	if (a != NULL && a->connect_us >= 0)
		(void)snprintf(out, CELL_BYTES, "%.1f ms",
		    (double)a->connect_us / 1e3);
	else
		(void)snprintf(out, CELL_BYTES, "-");
}

static void
show_job(const struct row *r, char *out)
{
	if (r->report->job_us != 0)
		(void)snprintf(out, CELL_BYTES, "%.1f ms",
		    (double)r->report->job_us / 1e3);
	else
		(void)snprintf(out, CELL_BYTES, "-");
}

static void
show_protocols(const struct row *r, char *out)
{
	size_t len = 0;

	for (int p = 1; p <= DOCTOR_PROTOCOLS; p++) {
		int served = r->report->protocol[p];

		if (served > 0 || (served < 0 && r->report->job_us != 0 &&
		    r->host->kind != HOST_LOCAL))
			len += (size_t)snprintf(out + len, CELL_BYTES - len,
			    "%s%d%s", len != 0 ? " " : "", p,
			    served < 0 ? "?" : "");
	}
	if (len == 0)
		(void)snprintf(out, CELL_BYTES, "-");
}

static const char *
form(const struct host *h)
{
	if (h->kind == HOST_LOCAL)
		return "-";
	if (!h->is_compressed)
		return "plain";
	return h->has_cpp ? "lzo,cpp" : "lzo";
}

static void
show_form(const struct row *r, char *out)
{
	(void)snprintf(out, CELL_BYTES, "%s", form(r->host));
}

static void
show_auth(const struct row *r, char *out)
{
	const char *p = r->report->principal;

	(void)snprintf(out, CELL_BYTES, "%s%.*s",
	    p[0] != '\0' && !r->report->is_authentic ? "not " : "",
	    CELL_BYTES - 8, p[0] != '\0' ? p : "-");
}

static void
show_rate(const struct row *r, char *out)
{
	if (r->report->job_us != 0)
		(void)snprintf(out, CELL_BYTES, "%.0f", r->report->jobs_per_s);
	else
		(void)snprintf(out, CELL_BYTES, "-");
}

static void
show_compiler(const struct row *r, char *out)
{
	static const char *const texts[] = {
		[DOCTOR_UNKNOWN] = "-", [DOCTOR_SAME] = "same",
		[DOCTOR_OTHER_OUTPUT] = "same, other output",
	};
	const struct doctor_report *p = r->report;

	if (p->match == DOCTOR_OTHER_VERSION)
		(void)snprintf(out, CELL_BYTES, "%.*s", CELL_BYTES - 1,
		    p->version[0] != '\0' ? p->version : "other, unnamed");
	else
		(void)snprintf(out, CELL_BYTES, "%s", texts[p->match]);
}

static const struct {
	const char *title;
	void (*show)(const struct row *r, char *out);
} columns[] = {
	{ "HOST", show_host },
	{ "STATUS", show_status },
	{ "ADDRESS", show_address },
	{ "CONNECT", show_connect },
	{ "JOB", show_job },
	{ "PROTOCOLS", show_protocols },
	{ "SENT", show_form },
	{ "SERVER IS", show_auth },
	{ "JOBS/S", show_rate },
	{ "COMPILER", show_compiler },
};

#define COLUMNS	(sizeof(columns) / sizeof(columns[0]))

/* ---- the table ---- */

static void
measure(const struct host_list *list, const struct doctor_report *report,
    int width[COLUMNS])
{
	for (size_t c = 0; c < COLUMNS; c++) {
		width[c] = (int)strlen(columns[c].title);
		for (size_t i = 0; i < list->n; i++) {
			struct row row = { &list->host[i], &report[i] };
			char cell[CELL_BYTES];

			columns[c].show(&row, cell);
			if ((int)strlen(cell) > width[c])
				width[c] = (int)strlen(cell);
		}
	}
}

static void
print_cell(size_t c, const int width[COLUMNS], const char *text)
{
	if (c + 1 == COLUMNS)
		(void)printf("%s\n", text);
	else
		(void)printf("%-*s  ", width[c], text);
}

static void
print_reasons(const struct host *host, const struct doctor_report *report)
{
	if (report->why[0] != '\0')
		(void)printf("%s: %s\n", host->spec, report->why);
	if (report->skipped[0] != '\0')
		(void)printf("%s: jobs do not go there: %s\n", host->spec,
		    report->skipped);
	for (size_t i = 0; i < report->naddresses &&
	    report->naddresses > 1; i++) {
		const struct doctor_address *a = &report->address[i];

		if (a->connect_us >= 0)
			(void)printf("%s: %s: connects in %.1f ms\n",
			    host->spec, a->text, (double)a->connect_us / 1e3);
		else
			(void)printf("%s: %s: %s\n", host->spec, a->text,
			    a->why);
	}
}

void
doctor_print(const struct doctor *d, const struct host_list *list,
    const struct doctor_report *report)
{
	int width[COLUMNS];

	measure(list, report, width);
	for (size_t c = 0; c < COLUMNS; c++)
		print_cell(c, width, columns[c].title);
	for (size_t i = 0; i < list->n; i++) {
		struct row row = { &list->host[i], &report[i] };

		for (size_t c = 0; c < COLUMNS; c++) {
			char cell[CELL_BYTES];

			columns[c].show(&row, cell);
			print_cell(c, width, cell);
		}
	}
	(void)printf("\n%s here: %s (%s)\n", d->source.argv[0],
	    d->version[0] != '\0' ? d->version : "unnamed", d->compiler.file);
	for (size_t i = 0; i < list->n; i++)
		print_reasons(&list->host[i], &report[i]);
}

/* ---- JSON ---- */

static void
put_addresses(struct json *j, const struct doctor_report *report)
{
	json_open(j, "addresses", '[');
	for (size_t i = 0; i < report->naddresses; i++) {
		const struct doctor_address *a = &report->address[i];

		json_open(j, NULL, '{');
		json_string(j, "address", a->text);
		if (a->connect_us >= 0)
			json_decimal(j, "connect_ms",
			    (double)a->connect_us / 1e3);
		else
			json_string(j, "error", a->why);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
put_protocols(struct json *j, const struct doctor_report *report)
{
	json_open(j, "protocols", '[');
	for (int p = 1; p <= DOCTOR_PROTOCOLS; p++)
		if (report->protocol[p] == 1)
			json_number(j, NULL, p);
	json_close(j, ']');
}

static const char *
or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void
put_host(struct json *j, const struct host *h,
    const struct doctor_report *report)
{
	static const char *const kinds[] = {
		[HOST_LOCAL] = "local", [HOST_TCP] = "tcp", [HOST_SSH] = "ssh",
	};

	json_open(j, NULL, '{');
	json_string(j, "host", h->spec);
	json_string(j, "kind", kinds[h->kind]);
	json_number(j, "slots", h->slots);
	json_string(j, "status", doctor_status_name(report->status));
	json_string(j, "why", or_null(report->why));
	json_string(j, "skipped", or_null(report->skipped));
	put_addresses(j, report);
	put_protocols(j, report);
	json_bool(j, "compressed", h->is_compressed);
	json_bool(j, "pump", h->has_cpp);
	json_bool(j, "authenticated", report->is_authentic);
	json_bool(j, "sealed", h->has_seal && report->is_authentic);
	json_string(j, "server_principal", or_null(report->principal));
	json_string(j, "compiler_version", or_null(report->version));
	json_bool(j, "compiler_same", report->match == DOCTOR_SAME);
	json_decimal(j, "job_ms", (double)report->job_us / 1e3);
	json_decimal(j, "jobs_per_s", report->jobs_per_s);
	json_close(j, '}');
}

void
doctor_print_json(const struct doctor *d, const struct host_list *list,
    const struct doctor_report *report)
{
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_open(&j, "compiler", '{');
	json_string(&j, "name", d->source.argv[0]);
	json_string(&j, "file", d->compiler.file);
	json_string(&j, "version", or_null(d->version));
	json_close(&j, '}');
	json_open(&j, "hosts", '[');
	for (size_t i = 0; i < list->n; i++)
		put_host(&j, &list->host[i], &report[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	json_end(&j);
}
