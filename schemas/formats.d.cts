export declare const all: { ipv4(text: string): boolean; ipv6(text: string): boolean };
