/* What may be shown of keys and people. Asks no database. */
#include "msp/credential_json.h"

#include "msp/clock.h"
#include "msp/no_value.h"
#include "msp/role.h"

const char *msp_key_status(const struct msp_key_info *key)
{
    if (key->revoked_us != MSP_NO_TIME)
        return "revoked";
    bool over = key->expires_us != MSP_NO_TIME && key->expires_us <= msp_clock_unix_us();
    return over ? "expired" : "active";
}

void msp_key_write(struct msp_json_writer *json, const struct msp_key_info *key)
{
    msp_json_begin_object(json);
    msp_json_key_string(json, "id", key->id);
    msp_json_key_string(json, "tenant", key->tenant);
    msp_json_key_string(json, "role", msp_role_name(key->role));
    msp_json_key_string(json, "name", key->name);
    msp_json_key_string(json, "status", msp_key_status(key));
    msp_json_key_time(json, "created_at", key->created_us);
    msp_json_key_time(json, "expires_at", key->expires_us);
    msp_json_key_time(json, "revoked_at", key->revoked_us);
    msp_json_key_time(json, "last_used_at", key->last_used_us);
    msp_json_end_object(json);
}

void msp_person_write_members(struct msp_json_writer *json, const struct msp_person *person)
{
    msp_json_key_string(json, "email", person->email);
    msp_json_key_string(json, "name", person->name);
    msp_json_key_string(json, "role", msp_role_name(person->role));
    msp_json_key_string(json, "tenant", person->tenant[0] != '\0' ? person->tenant : NULL);
    msp_json_key_string(json, "status", person->active ? "active" : "disabled");
    msp_json_key_bool(json, "has_password", person->has_password);
    msp_json_key_time(json, "created_at", person->created_us);
}
