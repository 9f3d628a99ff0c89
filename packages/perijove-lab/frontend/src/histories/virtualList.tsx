import React, { useCallback, useEffect, useRef, useState } from 'react';

interface IProps {
  length: number;
  rowHeight: number;
  label: string;
  /** The row that the keyboard is on, -1 for none. */
  active: number;
  /** What `row` is made of; a new value draws the rows anew. */
  render: (index: number) => React.JSX.Element;
  onSight: (first: number, last: number) => void;
  onMove: (index: number) => void;
  onKey: (event: React.KeyboardEvent) => void;
}

const BEYOND = 10; // rows drawn above and below the sight

/** A list of any length of which only what is in sight stands in the page. */
export function VirtualList(props: IProps): React.JSX.Element {
  const { length, rowHeight, label, active, onSight } = props;
  const box = useRef<HTMLDivElement>(null);
  const [first, last] = useSight(box, rowHeight, length);
  useEffect(() => onSight(first, last), [first, last, onSight]);
  useEffect(() => reveal(box.current, active, rowHeight), [active, rowHeight]);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const next = moved(event.key, active, length, last - first);
    if (next === null) {
      props.onKey(event);
    } else {
      event.preventDefault();
      props.onMove(next);
    }
  };
  const from = Math.max(0, first - BEYOND);
  const to = Math.min(length - 1, last + BEYOND);
  const rows = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => props.render(from + i));
  return (
    <div
      className="pj-List"
      ref={box}
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-multiselectable="true"
      aria-activedescendant={active >= 0 ? rowId(active) : undefined}
      onKeyDown={onKeyDown}
    >
      <div role="presentation" style={{ height: length * rowHeight, position: 'relative' }}>
        <div role="presentation" style={{ transform: `translateY(${from * rowHeight}px)` }}>
          {rows}
        </div>
      </div>
    </div>
  );
}

/** The id of a row's element, for assistive technology. */
export function rowId(index: number): string {
  return `pj-row-${index}`;
}

function useSight(
  box: React.RefObject<HTMLDivElement>,
  rowHeight: number,
  length: number
): [number, number] {
  const [sight, setSight] = useState<[number, number]>([0, 30]);
  const look = useCallback(() => {
    const element = box.current;
    if (element) {
      const first = Math.floor(element.scrollTop / rowHeight);
      const last = Math.ceil((element.scrollTop + element.clientHeight) / rowHeight);
      const next: [number, number] = [first, Math.max(first, Math.min(last, length - 1))];
      setSight(old => (old[0] === next[0] && old[1] === next[1] ? old : next));
    }
  }, [box, rowHeight, length]);
  useEffect(() => {
    const element = box.current;
    if (!element) {
      return;
    }
    look();
    const sizes = new ResizeObserver(look);
    sizes.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      sizes.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [box, look]);
  return sight;
}

function moved(key: string, active: number, length: number, page: number): number | null {
  const steps: Record<string, number> = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: length - 1
  };
  const next = steps[key];
  return next === undefined || length === 0 ? null : Math.max(0, Math.min(length - 1, next));
}

function reveal(box: HTMLElement | null, row: number, height: number): void {
  if (!box || row < 0) {
    return;
  }
  const top = row * height;
  if (top < box.scrollTop) {
    box.scrollTop = top;
  } else if (top + height > box.scrollTop + box.clientHeight) {
    box.scrollTop = top + height - box.clientHeight;
  }
}
