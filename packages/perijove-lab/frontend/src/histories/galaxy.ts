import type { IPlatform } from '../tokens';

/** What Galaxy's API says of histories, as far as the panel shows it. */
export interface IHistory {
  id: string;
  name: string;
  count: number;
  update_time: string;
  tags: string[];
  deleted: boolean;
  purged: boolean;
  published: boolean;
  importable?: boolean;
  annotation?: string | null;
}

export interface IHistoryDetail extends IHistory {
  size: number;
  hid_counter: number;
  contents_active: Record<string, number | undefined>;
  state_details?: Record<string, number>;
}

/** A dataset or a collection. */
export interface IContent {
  id: string;
  hid: number;
  name: string;
  history_id: string;
  history_content_type: 'dataset' | 'dataset_collection';
  deleted: boolean;
  purged?: boolean;
  visible: boolean;
  tags: string[];
  state?: string;
  extension?: string;
  file_size?: number;
  creating_job?: string | null;
  collection_type?: string;
  element_count?: number;
  populated_state?: string;
  update_time?: string;
}

/** A dataset with everything that was found out about it. */
export interface IDataset extends IContent {
  annotation?: string | null;
  misc_info?: string | null;
  misc_blurb?: string | null;
  peek?: string | null;
  /** `pending` while the server still reads what is in the file; a Galaxy does not say. */
  inspection?: string;
  [metadata: `metadata_${string}`]: unknown;
}

/** Who may read a history. */
export interface ISharing {
  importable: boolean;
  published: boolean;
  /** Where anyone may read it; a Galaxy says less, and the lab completes it. */
  link?: string | null;
  users_shared_with: { id: string; email: string }[];
  /** Names that are nobody's. */
  errors?: string[];
}

export interface ICollection extends IContent {
  elements: IElement[];
}

export interface IElement {
  element_identifier: string;
  element_type: 'hda' | 'dataset_collection';
  object: Partial<IContent> & { id: string; elements?: IElement[] };
}

/** A part of a collection that is to be made: a dataset, or a group of them. */
export interface IElementIdentifier {
  src: 'hda' | 'new_collection';
  name: string;
  id?: string;
  collection_type?: string;
  element_identifiers?: IElementIdentifier[];
}

/** A collection that is to be made. */
export interface INewCollection {
  name: string;
  collection_type: string;
  element_identifiers: IElementIdentifier[];
  copy_elements?: boolean;
  hide_source_items?: boolean;
}

const LISTED = [
  ...['id', 'hid', 'name', 'history_id', 'history_content_type', 'deleted', 'purged', 'visible'],
  ...['tags', 'state', 'extension', 'file_size', 'creating_job', 'collection_type'],
  ...['element_count', 'populated_state', 'update_time']
].join(',');
const MOST_HISTORIES = 2000;

/** Galaxy's calls that the panel makes. */
export class Histories {
  constructor(private readonly platform: IPlatform) {}

  list(): Promise<IHistory[]> {
    return this.platform.galaxy(
      `api/histories?view=summary&order=update_time-dsc&limit=${MOST_HISTORIES}`
    );
  }

  listDeleted(): Promise<IHistory[]> {
    return this.platform.galaxy('api/histories/deleted');
  }

  show(id: string): Promise<IHistoryDetail> {
    const keys =
      'id,name,count,update_time,tags,deleted,purged,published,importable,annotation,size,hid_counter,contents_active,state_details';
    return this.platform.galaxy(`api/histories/${id}?keys=${keys}`);
  }

  create(name: string): Promise<IHistory> {
    return this.platform.galaxy('api/histories', { method: 'POST', body: { name } });
  }

  change(id: string, change: Partial<IHistory>): Promise<IHistory> {
    return this.platform.galaxy(`api/histories/${id}`, { method: 'PUT', body: change });
  }

  delete(id: string): Promise<unknown> {
    return this.platform.galaxy(`api/histories/${id}`, { method: 'DELETE' });
  }

  undelete(id: string): Promise<unknown> {
    return this.platform.galaxy(`api/histories/deleted/${id}/undelete`, { method: 'POST' });
  }

  /** Who may read it; with the whole address of the link, whichever server it is. */
  async sharing(id: string): Promise<ISharing> {
    return this.withLink(id, await this.platform.galaxy(`api/histories/${id}/sharing`));
  }

  private async withLink(id: string, sharing: ISharing): Promise<ISharing> {
    if (!sharing.importable || sharing.link) {
      return sharing;
    }
    const { link } = await this.platform.door<{ link: string }>(`histories/link?history=${id}`);
    return { ...sharing, link };
  }

  /** Let everybody read it who has the link, or nobody any more; at once. */
  async shareByLink(id: string, shared: boolean): Promise<ISharing> {
    const action = shared ? 'enable_link_access' : 'disable_link_access';
    await this.platform.galaxy(`api/histories/${id}/${action}`, { method: 'PUT' });
    return this.sharing(id);
  }

  /** Let exactly these people read it, by name or address. */
  async shareWith(id: string, people: string[]): Promise<ISharing> {
    const body = { user_ids: people };
    const place = `api/histories/${id}/share_with_users`;
    return this.withLink(id, await this.platform.galaxy(place, { method: 'PUT', body }));
  }

  contents(history: string, filters: string[][], limit: number, offset: number) {
    const query = new URLSearchParams({ v: 'dev', order: 'hid-dsc', keys: LISTED });
    for (const [name = '', value = ''] of filters) {
      query.append('q', name);
      query.append('qv', value);
    }
    query.set('limit', String(limit));
    query.set('offset', String(offset));
    return this.platform.galaxy<IContent[]>(`api/histories/${history}/contents?${query}`);
  }

  dataset(id: string): Promise<IDataset> {
    return this.platform.galaxy(`api/datasets/${id}`);
  }

  collection(id: string): Promise<ICollection> {
    return this.platform.galaxy(`api/dataset_collections/${id}`);
  }

  changeContent(content: IContent, change: Partial<IContent>): Promise<IContent> {
    return this.platform.galaxy(placeOf(content), { method: 'PUT', body: change });
  }

  deleteContent(content: IContent): Promise<unknown> {
    return this.platform.galaxy(placeOf(content), { method: 'DELETE' });
  }

  build(history: string, collection: INewCollection): Promise<unknown> {
    const body = { type: 'dataset_collection', ...collection };
    return this.platform.galaxy(`api/histories/${history}/contents`, { method: 'POST', body });
  }

  /** Where a browser downloads a dataset, or a collection as an archive. */
  download(content: IContent): string {
    return content.history_content_type === 'dataset'
      ? this.platform.galaxyUrl(
          `api/datasets/${content.id}/display?to_ext=${content.extension ?? ''}`
        )
      : this.platform.galaxyUrl(`api/dataset_collections/${content.id}/download`);
  }
}

function placeOf(content: IContent): string {
  return `api/histories/${content.history_id}/contents/${content.history_content_type}s/${content.id}`;
}
