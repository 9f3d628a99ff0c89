import type { IPlatform } from '../tokens';
import type { IFlavorOffer, IHistory, IKnown, IMachine, IProposal } from './types';

/** All that the dialog shows about the file at `path`. Rejects where the file itself cannot be read. */
export async function knownOf(platform: IPlatform, path: string): Promise<IKnown> {
  // First of all: who has no history yet gets one by this.
  const proposal = await platform.door<IProposal>(`run/inspect?path=${encodeURIComponent(path)}`);
  const [histories, flavors, machine] = await Promise.all([
    orElse(platform.galaxy<IHistory[]>('api/histories?limit=200'), []),
    orElse(platform.galaxy<IFlavorOffer[]>('api/perijove/flavors'), []),
    orElse<IMachine | null>(platform.galaxy<IMachine>('api/perijove/resources'), null)
  ]);
  return { path, proposal, histories, flavors, machine };
}

/** A Galaxy has no flavors; a server that is away is told of by the proposal. */
async function orElse<T>(asked: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await asked;
  } catch {
    return otherwise;
  }
}
