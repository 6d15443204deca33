/* The answer that takes no memory: 503, when there is none left for any other. */
#ifndef MSP_HTTP_LAST_WORDS_H
#define MSP_HTTP_LAST_WORDS_H

struct mg_connection;

/* Sends it; the connection ends behind it. */
void msp_last_words_send(struct mg_connection *connection);

#endif
