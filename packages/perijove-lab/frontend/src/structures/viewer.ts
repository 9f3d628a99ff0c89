import type { IRenderMime } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { GLViewer } from '3dmol';
import { colourOf, type Colouring, factsOf, holdsConfidence, type IFacts } from './colours';
import { turnByKeys } from './keys';

/** The media type of PDB files. */
export const MIME_TYPE = 'chemical/x-pdb';

/**
 * A structure to turn with the mouse or the arrow keys. The library that draws it is fetched from the lab's own server when the
 * first structure is shown; where the browser has no WebGL the words stay.
 */
export class StructureView extends Widget implements IRenderMime.IRenderer {
  private readonly _trans: TranslationBundle;
  private readonly _stage: HTMLElement;
  private readonly _bar: HTMLElement;
  private _viewer: GLViewer | null = null;
  private _colouring: Colouring = 'confidence';

  constructor(trans: TranslationBundle) {
    super();
    this._trans = trans;
    this.addClass('pj-structure');
    this._bar = document.createElement('div');
    this._bar.className = 'pj-structure-bar';
    this._stage = document.createElement('div');
    this._stage.className = 'pj-structure-stage';
    this._stage.setAttribute('role', 'img');
    this.node.append(this._bar, this._stage);
  }

  /** Show the file that `model` holds; said in words where it cannot be drawn. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const data = model.data[MIME_TYPE];
    const pdb = Array.isArray(data) ? data.join('') : typeof data === 'string' ? data : '';
    const facts = factsOf(pdb);
    const words = this._trans.__(
      'Structure: %1 residues, chains %2',
      facts.residues,
      facts.chains.join(', ') || '–'
    );
    this._stage.setAttribute('aria-label', words);
    this._stage.textContent = words;
    if (facts.residues === 0) {
      this._stage.textContent = this._trans.__('This file holds no protein chain.');
      return;
    }
    try {
      await this._draw(pdb, facts);
    } catch (error) {
      console.warn('The structure cannot be drawn:', error);
      this._stage.textContent = this._trans.__(
        '%1. This browser cannot draw it (no WebGL).',
        words
      );
    }
  }

  override dispose(): void {
    this._viewer?.removeAllModels();
    this._viewer = null;
    super.dispose();
  }

  protected override onResize(message: Widget.ResizeMessage): void {
    super.onResize(message);
    this._viewer?.resize();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._viewer?.resize();
  }

  private async _draw(pdb: string, facts: IFacts): Promise<void> {
    const library = await import('3dmol/build/3Dmol.es6-min.js');
    if (this.isDisposed) {
      return;
    }
    this._stage.textContent = '';
    const viewer = library.createViewer(this._stage, { backgroundAlpha: 0 });
    this._viewer = viewer;
    viewer.addModel(pdb, 'pdb');
    this._offer(facts);
    this._colour(facts);
    viewer.zoomTo();
    viewer.render();
    turnByKeys(this._stage, viewer);
  }

  private _colour(facts: IFacts): void {
    const colorfunc = (atom: { b?: number; chain?: string }): string =>
      colourOf(atom, this._colouring, facts);
    this._viewer?.setStyle({}, { cartoon: { colorfunc } });
    this._viewer?.render();
  }

  private _offer(facts: IFacts): void {
    const label = document.createElement('label');
    const select = document.createElement('select');
    const first = holdsConfidence(facts)
      ? this._trans.__('confidence (pLDDT)')
      : this._trans.__('the file’s own values');
    for (const [value, text] of [
      ['confidence', first],
      ['chain', this._trans.__('chain')]
    ] as const) {
      select.append(new Option(text, value));
    }
    select.value = this._colouring;
    select.addEventListener('change', () => {
      this._colouring = select.value === 'chain' ? 'chain' : 'confidence';
      this._colour(facts);
    });
    label.append(this._trans.__('Colour by '), select);
    this._bar.replaceChildren(label);
  }
}
