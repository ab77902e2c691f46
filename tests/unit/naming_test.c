/* SPDX-License-Identifier: Apache-2.0 */
/* What a person would call a process. */
#include "target/naming.h"

#include "test.h"

/* One process and what it should be called. Arguments are separated by '|'. */
struct name_case {
	const char *comm, *exe, *args, *service, *executable;
};

/* Files of the process's file system that the naming may see. */
static const char *const files[][2] = {
	{"/srv/shop/package.json", "{\"name\": \"@acme/shop\", \"version\": \"1\"}"},
	{"/srv/bad/package.json", "{\"name\": 17"},
	{"/usr/lib/node_modules/pm2/package.json", "{\"name\": \"pm2\"}"},
};

static int read_fake(void *ctx, const char *path, struct buf *out)
{
	for (size_t i = 0; i < array_size(files); i++)
		if (!strcmp(files[i][0], path)) {
			buf_str(out, files[i][1]);
			return 0;
		}
	return -ENOENT;
}

static void check_names(const struct name_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct naming_input in = {.comm = bytes_str(cases[i].comm),
					  .exe = bytes_str(cases[i].exe),
					  .cwd = bytes_str("/srv/shop/releases/20240131"),
					  .read_file = read_fake};
		struct naming out;
		char args[512];
		size_t len = strlen(cases[i].args);
		struct bytes guarded;

		for (size_t c = 0; c <= len; c++)
			args[c] = cases[i].args[c] == '|' ? 0 : cases[i].args[c];
		guarded = guard_copy(bytes_of(args, len));
		args_split(&in.args, guarded);
		naming_of(&in, &out);
		CHECK_STR(out.service, cases[i].service);
		if (cases[i].executable)
			CHECK_STR(out.executable, cases[i].executable);
		guard_free(guarded);
	}
}

#define PY "/usr/bin/python3.11"

TEST(a_gunicorn_is_called_by_its_application)
{
	static const struct name_case cases[] = {
		{"gunicorn", PY, "/usr/bin/python3|/usr/bin/gunicorn|shop.wsgi:application", "shop",
		 "python3.11"},
		{"gunicorn", PY, "python3|gunicorn|-w|4|--bind=:80|shop.wsgi", "shop", NULL},
		{"gunicorn", PY, "python3|gunicorn|-b|unix:/run/x.sock|--reload|shop:app|-k|gevent",
		 "shop", NULL},
		{"gunicorn", PY, "python3|gunicorn|-w4|app:app", "app", NULL},
		{"gunicorn", PY, "python3|gunicorn|wsgi:application", "shop", NULL},
		{"python3", PY, "python3|-m|gunicorn|--workers|2|company.shop.wsgi:create_app()",
		 "company.shop", NULL},
		{"python3", PY, "python3|-Xdev|-um|gunicorn|shop.app", "shop", NULL},
		{"gunicorn", PY, "python3|gunicorn|-n|store|shop.wsgi", "store", NULL},
		{"gunicorn: worke", PY, "gunicorn: worker [shop]", "shop", NULL},
		{"gunicorn", PY, "gunicorn: master [shop.wsgi:application]", "shop", NULL},
		{"uvicorn", PY, "python3|uvicorn|--proxy-headers|shop.main:app|--port|80", "shop",
		 NULL},
		{"gunicorn", PY, "python3|gunicorn|-c|conf.py", "gunicorn", NULL},
	};

	check_names(cases, array_size(cases));
}

TEST(a_python_program_is_called_by_its_script_module_or_project)
{
	static const struct name_case cases[] = {
		{"python", PY, "python|app.py", "app", "python3.11"},
		{"python3", PY, "python3|-u|-W|ignore|/srv/shop/worker.py|x", "worker", NULL},
		{"python3", PY, "python3|-m|http.server|8000", "http.server", NULL},
		{"python3", PY, "python3|-mhttp.server", "http.server", NULL},
		{"python", PY, "python|manage.py|runserver", "shop", NULL},
		{"python", PY, "python|/opt/store/manage.py|runserver", "store", NULL},
		{"python", PY, "python|-c|import x", "python3.11", NULL},
		{"python", PY, "python", "python3.11", NULL},
		{"celery", PY, "python3|/usr/bin/celery|-A|shop|worker", "shop", NULL},
		{"celery", PY, "python3|-m|celery|--app=shop.celery|worker", "shop", NULL},
		{"[celeryd: celer", PY,
		 "[celeryd: celery@host:MainProcess] -active- (worker -A shop -l info)", "shop",
		 NULL},
		{"flask", PY, "python3|/usr/bin/flask|--app|shop|run", "shop", NULL},
		{"uwsgi", "/usr/bin/uwsgi-core", "uwsgi|--module|shop.wsgi:app", "shop", NULL},
		{"uwsgi", "/usr/bin/uwsgi-core", "uwsgi|--http|:80|--wsgi-file|/srv/shop/wsgi.py",
		 "shop", NULL},
		{"uwsgi", "/usr/bin/uwsgi-core", "uwsgi|--ini|/etc/uwsgi/shop.ini", "shop", NULL},
	};

	check_names(cases, array_size(cases));
}

TEST(programs_of_other_languages_are_called_by_what_they_run)
{
	static const struct name_case cases[] = {
		{"java", "/usr/lib/jvm/17/bin/java", "java|-Xmx1g|-jar|/opt/x-1.2.jar|--p=1", "x",
		 "java"},
		{"java", "/usr/bin/java", "java|-jar|shop-service-2.0.1-SNAPSHOT.jar",
		 "shop-service", NULL},
		{"java", "/usr/bin/java", "java|-cp|a:b.jar|-Da=b|com.acme.Shop|arg", "Shop", NULL},
		{"java", "/usr/bin/java", "java|-cp|a|com.acme.Main", "com.acme.Main", NULL},
		{"java", "/usr/bin/java", "java|-p|mods|-m|shop/com.acme.Shop", "Shop", NULL},
		{"node", "/usr/bin/node", "node|--require|x.js|server.js", "@acme/shop", "node"},
		{"node", "/usr/bin/node", "node|/srv/other/server.js", "server", NULL},
		{"node", "/usr/bin/node", "node|/srv/other/index.js", "other", NULL},
		{"node", "/usr/bin/node", "node|/srv/bad/api.mjs", "api", NULL},
		{"node", "/usr/bin/node", "node|/srv/shop/node_modules/next/dist/bin/next|start",
		 "@acme/shop", NULL},
		{"node", "/usr/bin/node", "node|/usr/lib/node_modules/pm2/bin/pm2", "pm2", NULL},
		{"next-server (v1", "/usr/bin/node", "next-server (v14.2.3)", "@acme/shop", NULL},
		{"node", "/usr/bin/node", "node|-e|1", "node", NULL},
		{"ruby", "/usr/bin/ruby3.1", "ruby|-I|lib|app.rb", "app", "ruby3.1"},
		{"puma", "/usr/bin/ruby3.1", "puma: cluster worker 0: 99 [store]", "store", NULL},
		{"ruby", "/usr/bin/ruby3.1", "ruby|bin/rails|server", "shop", NULL},
		{"php-fpm8.2", "/usr/sbin/php-fpm8.2", "php-fpm: pool www", "php-fpm",
		 "php-fpm8.2"},
		{"php-fpm8.2", "/usr/sbin/php-fpm8.2", "php-fpm: pool shop", "shop", NULL},
		{"php", "/usr/bin/php8.2", "php|-S|:80|-t|public", "shop", NULL},
		{"php", "/usr/bin/php8.2", "php|/opt/store/artisan|serve", "store", NULL},
		{"perl", "/usr/bin/perl", "perl|-I|lib|/srv/app.pl", "app", "perl"},
		{"dotnet", "/usr/bin/dotnet", "dotnet|/app/Shop.Api.dll", "Shop.Api", NULL},
		{"start.sh", "/bin/dash", "/bin/sh|./start.sh", "start", NULL},
		{"sh", "/bin/dash", "sh|-c|start", "sh", "sh"},
	};

	check_names(cases, array_size(cases));
}

TEST(a_program_is_called_what_it_was_called_not_what_its_link_resolves_to)
{
	static const struct name_case cases[] = {
		{"redis-server", "/usr/bin/redis-check-rdb", "/usr/bin/redis-server 127.0.0.1:6379",
		 "redis-server", "redis-server"},
		{"redis-server", "/usr/bin/redis-check-rdb", "redis-server|--port|0",
		 "redis-server", "redis-server"},
		{"nginx", "/usr/sbin/nginx", "nginx: worker process", "nginx", "nginx"},
		{"httpd", "/bin/busybox", "httpd|-f", "httpd", "httpd"},
		{"bash", "/usr/bin/bash", "-bash", "bash", "bash"},
		{"postgres", "/usr/lib/postgresql/15/bin/postgres", "postgres: walwriter ",
		 "postgres", "postgres"},
		/* a title that lies: comm does not bear it out */
		{"miner", "/tmp/miner", "sshd: root", "miner", "miner"},
		{"a-very-long-pro", "/bin/link", "/bin/a-very-long-program-name",
		 "a-very-long-program-name", "a-very-long-program-name"},
		/* nothing but the hint of a process that is gone */
		{"curl", "", "curl|http://x/", "curl", "curl"},
		{"curl", "", "", "curl", "curl"},
		{"", "", "", "", ""},
	};

	check_names(cases, array_size(cases));
}

TEST(control_characters_of_a_name_do_not_reach_the_terminal)
{
	static const struct name_case cases[] = {
		{"", "/tmp/a\x1b[31m\nb", "x", "a[31mb", "a[31mb"},
	};

	check_names(cases, array_size(cases));
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
