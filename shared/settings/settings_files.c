/* Files that the settings name: looked for before the settings are taken, not read. */
#include <errno.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/settings/settings_inside.h"

struct looking {
    const char *file; /* the settings' own name */
    struct buffer *errors;
    bool good;
};

static void look(struct looking *looking, uint32_t line, const char *what, struct span path)
{
    char text[SETTINGS_PATH_MAX + 1];

    if (!path.ptr || path.len > SETTINGS_PATH_MAX)
        return;
    memcpy(text, path.ptr, path.len);
    text[path.len] = '\0';
    if (access(text, R_OK) == 0)
        return;
    (void)buffer_append_format(looking->errors, "%s:%u: %s: %s cannot be read: %s\n",
                               looking->file, line, what, text, log_error_text(-errno));
    looking->good = false;
}

static void look_at_listener(struct looking *looking, const struct settings_listener_tls *tls)
{
    look(looking, tls->line, "listen: certificate", tls->certificate);
    look(looking, tls->line, "listen: key", tls->key);
    look(looking, tls->line, "listen: client_ca", tls->client_ca);
    for (uint32_t i = 0; i < tls->more.count; i++) {
        const struct settings_certificate *more =
            SETTINGS_ROW(tls->more, i, settings_certificate);

        look(looking, more->line, "listen: more: certificate", more->certificate);
        look(looking, more->line, "listen: more: key", more->key);
    }
}

bool settings_files_there(const struct settings *settings, const char *file,
                          struct buffer *reterr)
{
    struct looking looking = {.file = file, .errors = reterr, .good = true};

    for (uint32_t i = 0; i < settings->listeners.count; i++)
        look_at_listener(&looking,
                         &SETTINGS_ROW(settings->listeners, i, settings_listener)->tls);
    look(&looking, settings->tls.line, "tls: ca_file", settings->tls.ca_file);
    for (uint32_t i = 0; i < settings->providers.count; i++) {
        const struct settings_provider *provider =
            SETTINGS_ROW(settings->providers, i, settings_provider);

        look(&looking, provider->line, "providers: ca_file", provider->ca_file);
        look(&looking, provider->oauth.line, "providers: oauth: ca_file",
             provider->oauth.ca_file);
    }
    return looking.good;
}
