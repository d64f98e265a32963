import { readFileSync } from 'node:fs';
import { Reader, type Response } from 'mmdb-lib';
import { cause, RuntimeError, remedy } from '../../schemas/pipe/messages/errors.js';
import type { Fields } from './zones.js';

/** The parts of a MaxMind database's record that are used, of its City, Country and ASN databases. */
interface Record {
  country?: { iso_code?: string };
  city?: { names?: { en?: string } };
  autonomous_system_number?: number;
  autonomous_system_organization?: string;
}

/** Opens a MaxMind database; what it gives of an address are `country`, `city`, `asn`, `as_org`. */
export function openGeo(path: string): (address: string) => Fields {
  let reader: Reader<Response>;
  try {
    reader = new Reader(readFileSync(path));
  } catch (error) {
    const known = (error as NodeJS.ErrnoException).code !== undefined;
    throw new RuntimeError(
      `cannot read ${path}: ${cause(error)}; ${known ? remedy(error) : 'name a MaxMind database'}`,
    );
  }
  return (address) => {
    const record = reader.get(address) as Record | null;
    const fields = {
      country: record?.country?.iso_code,
      city: record?.city?.names?.en,
      asn: record?.autonomous_system_number,
      as_org: record?.autonomous_system_organization,
    };
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
  };
}
