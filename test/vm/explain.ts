/* Runs in a guest: creates the situations that its argument names, and prints the message of each, as one JSON array. */
import { lockedDown, make, situations } from '../live/situations.js';

console.log(JSON.stringify((process.argv[2] === 'locked' ? lockedDown : situations).map(make)));
