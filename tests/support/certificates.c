#include "tests/support/certificates.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "tests/support/folder.h"

#define PATHS 16

static char folder[FOLDER_BYTES];

static const char script[] =
    "set -e; cd \"$1\"\n"
    "ec() { openssl ecparam -name prime256v1 -genkey -noout -out $1; }\n"
    "sign() { # name subject extensions days\n"
    "  openssl req -new -key ${5:-$1.key} -subj \"$2\" -out $1.csr\n"
    "  printf '%b' \"$3\" > $1.ext\n"
    "  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days $4"
    " -extfile $1.ext -out $1.pem; }\n"
    "for ca in ca other-ca; do ec $ca.key\n"
    "  openssl req -x509 -new -key $ca.key -subj \"/CN=$ca\" -days 2 -out $ca.pem; done\n"
    "ec server.key; ec client.key; ec stranger.key; ec self.key\n"
    "openssl genrsa -out second.key 2048\n"
    "sign server /CN=server.test "
    "'subjectAltName=DNS:server.test,DNS:*.wild.test,IP:127.0.0.1\\n' 2\n"
    "sign second /CN=second.test 'subjectAltName=DNS:second.test\\n' 2\n"
    /* Versions differ in how a past date is asked of x509; `openssl ca` always knew. */
    "openssl req -new -key server.key -subj /CN=server.test -out expired.csr\n"
    "echo subjectAltName=DNS:server.test > expired.ext; : > index; echo 77 > serial\n"
    "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\n"
    "default_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n' > ca.cnf\n"
    "openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -in expired.csr"
    " -extfile expired.ext -startdate 20200101000000Z -enddate 20200102000000Z"
    " -out expired.pem\n"
    "sign client '/CN=client one' 'extendedKeyUsage=clientAuth\\n' 2\n"
    "for name in self stranger; do openssl req -x509 -new -key $name.key -subj /CN=server.test"
    " -addext subjectAltName=DNS:server.test -days 2 -out $name.pem; done\n";

static void run(const char *text)
{
    char shell[] = "sh", flag[] = "-c", name[] = "certificates";
    char *const arguments[] = {shell, flag, (char *)(unsigned long)text, name, folder, NULL};
    char path[] = "PATH=/usr/bin:/bin:/usr/local/bin";
    char *const environment[] = {path, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;

    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0) == 0);
    CHECK(posix_spawnp(&child, "sh", &actions, NULL, arguments, environment) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    (void)posix_spawn_file_actions_destroy(&actions);
}

const char *certificates_make(void)
{
    folder_make(folder, "certificates");
    run(script);
    return folder;
}

const char *certificates_path(const char *file)
{
    static char paths[PATHS][128];
    static unsigned next;
    char *path = paths[next++ % PATHS];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, file);
    return path;
}

void certificates_remove(void)
{
    folder_remove(folder);
}
