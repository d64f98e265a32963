// SPDX-License-Identifier: MIT
#include "dns_message.h"

#include "format.h"

#include <algorithm>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <iterator>

// Binds to the symbol's first version: glibc 2.34 has moved it, and the addon must load on older ones too (portable.cc).
#if defined(__GLIBC__) && defined(__x86_64__)
__asm__(".symver ns_name_uncompress,ns_name_uncompress@GLIBC_2.9");
#elif defined(__GLIBC__) && defined(__aarch64__)
__asm__(".symver ns_name_uncompress,ns_name_uncompress@GLIBC_2.17");
#endif

namespace synpipe {
namespace {

// Far more than real answers have: resolvers stop after 8 to 17 aliases, and nobody can use that many addresses.
constexpr size_t kMaxAliases = 32;
constexpr int kMaxRecords = 4096;
constexpr int kMaxSteps = 255; // of a name: 127 labels, and as many compression pointers

struct Record {
	std::string owner;
	uint16_t type;
	uint32_t ttl;
	std::string value; // an address, or the name that an alias leads to
};

std::string lower(const char *name) {
	std::string text = *name ? name : ".";
	for (char &c : text)
		if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
	return text;
}

// Whether a name has few steps. The library would follow thousands of pointers for each of thousands of names, which takes
// half a second.
bool is_short(const ns_msg &message, const uint8_t *name) {
	for (int step = 0; step <= kMaxSteps; step++) {
		if (name + 1 >= ns_msg_end(message) || *name == 0) return true; // what is there, the library checks
		if (*name < NS_CMPRSFLGS) name += *name + 1;
		else name = ns_msg_base(message) + ((name[0] & ~NS_CMPRSFLGS) << 8 | name[1]);
	}
	return false;
}

bool read_question(ns_msg &message, DnsQuestion &to) {
	ns_rr question;
	if (ns_msg_getflag(message, ns_f_opcode) != ns_o_query || ns_msg_count(message, ns_s_qd) != 1) return false;
	if (ns_parserr(&message, ns_s_qd, 0, &question) || ns_rr_class(question) != ns_c_in) return false;
	to.name = lower(ns_rr_name(question));
	to.type = ns_rr_type(question);
	return true;
}

bool read_address(const ns_rr &rr, int family, size_t size, std::string &to) {
	char text[INET6_ADDRSTRLEN];
	if (ns_rr_rdlen(rr) != size) return false;
	to.assign(text, put_address(text, ns_rr_rdata(rr), family));
	return true;
}

bool read_value(ns_msg &message, const ns_rr &rr, std::string &to) {
	if (ns_rr_type(rr) == ns_t_a) return read_address(rr, 4, 4, to);
	if (ns_rr_type(rr) == ns_t_aaaa) return read_address(rr, 6, 16, to);
	char name[NS_MAXDNAME];
	if (!is_short(message, ns_rr_rdata(rr))) return false;
	int used = ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), ns_rr_rdata(rr), name, sizeof name);
	to = lower(name);
	return used == ns_rr_rdlen(rr);
}

bool read_records(ns_msg &message, std::vector<Record> &to) {
	int count = ns_msg_count(message, ns_s_an);
	if (count > kMaxRecords) return false;
	const uint8_t *at = ns_msg_base(message) + NS_HFIXEDSZ;
	at += ns_skiprr(at, ns_msg_end(message), ns_s_qd, 1);
	for (int i = 0; i < count; i++) {
		ns_rr rr;
		if (!is_short(message, at) || ns_parserr(&message, ns_s_an, i, &rr)) return false;
		at = ns_rr_rdata(rr) + ns_rr_rdlen(rr);
		const uint16_t type = ns_rr_type(rr);
		if (ns_rr_class(rr) != ns_c_in || (type != ns_t_a && type != ns_t_aaaa && type != ns_t_cname)) continue;
		// RFC 2181: a negative TTL counts as zero
		const uint32_t ttl = ns_rr_ttl(rr) > INT32_MAX ? 0 : ns_rr_ttl(rr);
		to.push_back({lower(ns_rr_name(rr)), type, ttl, ""});
		if (!read_value(message, rr, to.back().value)) return false;
	}
	return true;
}

// Follows the aliases from the asked name to its addresses; the records may be in any order. Other names are ignored.
DnsVerdict follow(const std::vector<Record> &records, const DnsQuestion &asked, DnsAddresses &to) {
	std::string name = asked.name;
	to.ttl = INT32_MAX;
	for (;;) {
		const Record *alias = nullptr;
		for (const Record &record : records) {
			if (record.owner != name) continue;
			if (record.type == ns_t_cname) {
				alias = &record;
			} else if (asked.type == record.type || asked.type == ns_t_any) {
				to.addrs.push_back(record.value);
				to.ttl = std::min(to.ttl, record.ttl);
			}
		}
		if (!to.addrs.empty()) return DnsVerdict::addresses;
		if (!alias) return DnsVerdict::nodata;
		if (to.cnames.size() == kMaxAliases) return DnsVerdict::invalid;
		to.cnames.push_back(name = alias->value);
		to.ttl = std::min(to.ttl, alias->ttl);
	}
}

} // namespace

bool dns_question(const uint8_t *bytes, size_t size, DnsQuestion &to) {
	ns_msg message;
	if (ns_initparse(bytes, size, &message) || ns_msg_getflag(message, ns_f_qr)) return false;
	return read_question(message, to) && (to.type == ns_t_a || to.type == ns_t_aaaa || to.type == ns_t_any);
}

DnsVerdict dns_answer(const uint8_t *bytes, size_t size, const DnsQuestion &asked, DnsAddresses &to, int &rcode) {
	ns_msg message;
	DnsQuestion question;
	std::vector<Record> records;
	if (ns_initparse(bytes, size, &message) || !ns_msg_getflag(message, ns_f_qr)) return DnsVerdict::invalid;
	rcode = ns_msg_getflag(message, ns_f_rcode);
	// Errors may come without the question.
	if (rcode != ns_r_noerror && ns_msg_count(message, ns_s_qd) == 0) return DnsVerdict::error;
	if (!read_question(message, question) || !(question == asked)) return DnsVerdict::invalid;
	if (rcode != ns_r_noerror) return DnsVerdict::error;
	if (ns_msg_getflag(message, ns_f_tc)) return DnsVerdict::truncated;
	if (!read_records(message, records)) return DnsVerdict::invalid;
	return follow(records, asked, to);
}

std::string rcode_name(int rcode) {
	static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
										"YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
	return rcode < static_cast<int>(std::size(names)) ? names[rcode] : "RCODE" + std::to_string(rcode);
}

const char *qtype_name(uint16_t type) { return type == ns_t_a ? "A" : type == ns_t_aaaa ? "AAAA" : "ANY"; }

} // namespace synpipe
