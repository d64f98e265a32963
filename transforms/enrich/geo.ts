import { readFileSync } from 'node:fs';
import { Reader, type Response } from 'mmdb-lib';
import { cause, RuntimeError, remedy } from '../../schemas/pipe/messages/errors.js';
import type { Fields } from './network-map.js';

/** The parts that are used of the records in MaxMind's City, Country and ASN databases. */
interface Record {
  country?: { iso_code?: string };
  city?: { names?: { en?: string } };
  autonomous_system_number?: number;
  autonomous_system_organization?: string;
}

/**
 * Opens a MaxMind database. The returned function looks up an address and returns its `country`, `city`, `asn` and
 * `as_org`, as far as they are known. Throws RuntimeError if the file cannot be read.
 */
export function openGeo(path: string): (address: string) => Fields {
  let reader: Reader<Response>;
  try {
    reader = new Reader(readFileSync(path));
  } catch (error) {
    const isSystemError = (error as NodeJS.ErrnoException).code !== undefined;
    throw new RuntimeError(
      `cannot read ${path}: ${cause(error)}; ${isSystemError ? remedy(error) : 'give the path of a MaxMind database'}`,
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
