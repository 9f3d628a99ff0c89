import { parse } from 'papaparse';
import React, { useMemo } from 'react';
import { inWords } from '../../platform/errors';
import { useBeginning } from './content';
import type { IPreviewProps } from './props';

const BYTES = 500_000;
const ROWS = 500;

/** The first rows of a table, the first of them as its heading. */
export function TablePreview({ dataset, platform, trans }: IPreviewProps): React.JSX.Element {
  const [found, problem] = useBeginning(platform, dataset.id, BYTES);
  const rows = useMemo(() => {
    const whole = parse<string[]>(found?.text ?? '', {
      skipEmptyLines: true,
      preview: ROWS + 2
    }).data;
    return found?.cut && whole.length <= ROWS + 1 ? whole.slice(0, -1) : whole;
  }, [found]);
  if (problem !== null) {
    return <p role="alert">{inWords(problem)}</p>;
  }
  const [heading = [], ...body] = rows.slice(0, ROWS + 1);
  const more = found?.cut === true || rows.length > ROWS + 1;
  return (
    <>
      <p className="pj-Hint">
        {more ? trans.__('The first %1 rows', body.length) : trans.__('%1 rows', body.length)}
      </p>
      <div className="pj-Preview-scroll" tabIndex={0} role="region" aria-label={dataset.name}>
        <table>
          <thead>
            <tr>
              {heading.map((cell, index) => (
                <th key={index} scope="col">
                  {cell}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {body.map((row, index) => (
              <tr key={index}>
                {row.map((cell, column) => (
                  <td key={column}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
