import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { plain } from './words';

/** What a job writes. It stays at the end as that grows, unless one has scrolled up to read. */
export function Log(props: { text: string; trans: TranslationBundle }): React.JSX.Element {
  const place = React.useRef<HTMLPreElement>(null);
  const atEnd = React.useRef(true);
  const shown = React.useMemo(() => plain(props.text), [props.text]);
  React.useLayoutEffect(() => {
    if (place.current !== null && atEnd.current) {
      place.current.scrollTop = place.current.scrollHeight;
    }
  }, [shown]);
  const onScroll = () => {
    const at = place.current;
    atEnd.current = at === null || at.scrollHeight - at.scrollTop - at.clientHeight < 20;
  };
  return (
    <pre
      ref={place}
      className="pj-log"
      tabIndex={0}
      role="region"
      aria-label={props.trans.__('Log')}
      onScroll={onScroll}
    >
      {shown === '' ? props.trans.__('Nothing has been written yet.') : shown}
    </pre>
  );
}
