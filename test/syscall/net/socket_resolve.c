/* SPDX-License-Identifier: Apache-2.0 */
/* What the C library makes of the loopback: getifaddrs() over netlink, getaddrinfo(). */
#include "check.h"
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

int main(void)
{
    struct ifaddrs *all = NULL;
    int v4 = 0, link = 0;

    need(getifaddrs(&all) == 0);
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (strcmp(i->ifa_name, "lo") != 0 || !i->ifa_addr)
            continue;
        check(i->ifa_flags & IFF_LOOPBACK);
        if (i->ifa_addr->sa_family == AF_INET) {
            check_eq(((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
            check_eq(((struct sockaddr_in *)i->ifa_netmask)->sin_addr.s_addr, htonl(0xff000000));
            v4++;
        }
        link += i->ifa_addr->sa_family == AF_PACKET;
    }
    check_eq(v4, 1);
    check_eq(link, 1);
    freeifaddrs(all);

    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    check_eq(getaddrinfo("localhost", "80", &hints, &found), 0);
    need(found != NULL);
    check_eq(((struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    freeaddrinfo(found);
    hints = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    check_eq(getaddrinfo("127.0.0.1", "80", &hints, &found), 0);
    freeaddrinfo(found);
    return check_done();
}
