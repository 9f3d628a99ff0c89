import { useEffect, useState } from 'react';
import { away, refusal } from '../../platform/errors';
import type { IPlatform } from '../../tokens';

/** The first `bytes` of a dataset as text, and whether there are more. */
export interface IBeginning {
  text: string;
  cut: boolean;
}

export function useBeginning(
  platform: IPlatform,
  id: string,
  bytes: number
): [IBeginning | null, unknown] {
  const [found, setFound] = useState<IBeginning | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    beginning(platform, id, bytes).then(setFound, setProblem);
  }, [platform, id, bytes]);
  return [found, problem];
}

async function beginning(platform: IPlatform, id: string, bytes: number): Promise<IBeginning> {
  const url = platform.galaxyUrl(`api/datasets/${id}/display`);
  const headers = { ...platform.headers, Range: `bytes=0-${bytes - 1}` };
  const response = await fetch(url, { headers }).catch(() => {
    throw away();
  });
  if (response.status === 416) {
    return { text: '', cut: false };
  }
  if (!response.ok) {
    throw refusal(response.status, await response.text());
  }
  const whole = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? 0);
  return { text: await firstOf(response, bytes), cut: whole > bytes };
}

/** A server that knows no ranges sends everything: no more than `bytes` of it are read. */
async function firstOf(response: Response, bytes: number): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let read = 0; reader && read < bytes;) {
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    read += value.byteLength;
    text += decoder.decode(value, { stream: true });
  }
  await reader?.cancel();
  return text;
}
