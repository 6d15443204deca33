/*
 * Names that a tenant's tickets brought along (of categories, groups, priorities), made fit to
 * stand in a prompt and in a text. They are written by strangers: what could speak to a model, or
 * tell of a person, does not come through.
 */
#ifndef MSP_JOBS_SUMMARIES_MEMBER_NAME_H
#define MSP_JOBS_SUMMARIES_MEMBER_NAME_H

#include <stddef.h>

#define MSP_MEMBER_NAME_BYTES 241 /* 60 characters of four bytes and a NUL */

/*
 * Control, direction and markup characters become spaces, addresses of mail and of the web and
 * telephone numbers become "…", runs of spaces one space; the name is cut after 60 characters.
 * `name` is UTF-8; bytes that are not are dropped. May leave "".
 */
void msp_member_name_clean(const char *name, char out[MSP_MEMBER_NAME_BYTES]);

#endif
