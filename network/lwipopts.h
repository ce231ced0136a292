/* How lwIP is built here: its callback interface alone, one thread, all memory from the heap. */
#ifndef NETWORK_LWIPOPTS_H
#define NETWORK_LWIPOPTS_H

#include <servers/network_types.h>

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET          0
#define LWIP_NETCONN         0
#define LWIP_TIMERS          1

/* What a socket may have is bounded by the two sizes below, and how many there are by the Unix server. */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT   8
#define MEM_SIZE        (1 << 20)

#define LWIP_IPV4             1
#define LWIP_IPV6             1
#define LWIP_ARP              1
#define LWIP_ICMP             1
#define LWIP_RAW              1
#define LWIP_UDP              1
#define LWIP_TCP              1
#define LWIP_DHCP             1
#define LWIP_DNS              1 /* for the addresses of name servers that DHCP brings; nothing is looked up */
#define DHCP_DOES_ARP_CHECK   0
#define IP_REASSEMBLY         1
#define IP_FRAG               1
#define IP_FORWARD            0
#define IP_DEFAULT_TTL        64
#define SO_REUSE              1
#define IP_SOF_BROADCAST      1
#define IP_SOF_BROADCAST_RECV 0

/* Addresses are the link's, and what routers say; tables that neighbours fill are as large as they may get. */
#define LWIP_IPV6_NUM_ADDRESSES   NETWORK_ADDRESSES6
#define LWIP_IPV6_AUTOCONFIG      1
#define LWIP_IPV6_MLD             1
#define LWIP_ICMP6                1
#define IPV6_FRAG_COPYHEADER      1 /* pointers of 64 bits need it */
#define LWIP_ND6_NUM_NEIGHBORS    64
#define LWIP_ND6_NUM_DESTINATIONS 64
#define LWIP_ND6_QUEUEING         1
#define LWIP_ND6_ALLOW_RA_UPDATES 1
#define MEMP_NUM_ND6_QUEUE        128
#define MEMP_NUM_MLD6_GROUP       32

#define LWIP_HAVE_LOOPIF             1
#define LWIP_NETIF_LOOPBACK          1
#define LWIP_LOOPBACK_MAX_PBUFS      0
#define LWIP_NETIF_STATUS_CALLBACK   1
#define LWIP_NETIF_LINK_CALLBACK     1
#define LWIP_NETIF_HOSTNAME          1
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1

#define LWIP_STATS         1
#define MIB2_STATS         1
#define LWIP_STATS_DISPLAY 0

/* Large segments, for the loopback; on a wire its MTU counts. */
#define TCP_MSS                            16384
#define LWIP_WND_SCALE                     1
#define TCP_RCV_SCALE                      2
#define TCP_WND                            NETWORK_STREAM_SIZE
#define TCP_SND_BUF                        NETWORK_STREAM_SIZE
#define TCP_SND_QUEUELEN                   2048
#define MEMP_NUM_TCP_SEG                   TCP_SND_QUEUELEN
#define TCP_SNDLOWAT                       (TCP_SND_BUF / 2)
#define TCP_SNDQUEUELOWAT                  (TCP_SND_QUEUELEN / 2)
#define TCP_OVERSIZE                       512
#define TCP_LISTEN_BACKLOG                 1
#define LWIP_TCP_SACK_OUT                  1
#define LWIP_TCP_KEEPALIVE                 1
#define TCP_MSL                            30000ul
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1

/* Nobody can guess where another's connection begins. */
#define LWIP_HOOK_FILENAME                                                    "network/hooks.h"
#define LWIP_HOOK_TCP_INPACKET_PCB(tcp, header, options, first, second, data) network_segment(tcp, header, data)
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port)             network_random()

#endif
