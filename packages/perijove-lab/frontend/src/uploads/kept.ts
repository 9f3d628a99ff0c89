import type { DBSchema, IDBPDatabase } from 'idb';
import { openDB } from 'idb';
import type { IFolder, IUpload } from './upload';

interface IInLab {
  lab: string;
}

interface ISchema extends DBSchema {
  uploads: { key: string; value: IUpload & IInLab; indexes: { lab: string } };
  folders: { key: string; value: IFolder & IInLab; indexes: { lab: string } };
}

const STORES = ['uploads', 'folders'] as const;

/**
 * What is unfinished, kept in the browser (IndexedDB takes the handles of files too). Where a browser keeps
 * nothing (a private window), uploads work all the same; a reload forgets them.
 */
export class Kept {
  private readonly database: Promise<IDBPDatabase<ISchema> | null>;

  /** `lab`: several labs, of several people, may be used at one address with one browser. */
  constructor(private readonly lab: string) {
    this.database = open();
  }

  async load(): Promise<{ uploads: IUpload[]; folders: IFolder[] }> {
    const database = await this.database;
    const [uploads = [], folders = []] = await Promise.all([
      database?.getAllFromIndex('uploads', 'lab', this.lab),
      database?.getAllFromIndex('folders', 'lab', this.lab)
    ]);
    return { uploads, folders };
  }

  putFolder(folder: IFolder): Promise<void> {
    return this.write('folders', [folder], []);
  }

  put(uploads: IUpload[]): Promise<void> {
    return this.write('uploads', uploads, []);
  }

  dropFolder(folder: IFolder): Promise<void> {
    return this.write('folders', [], [folder.id]);
  }

  drop(uploads: IUpload[]): Promise<void> {
    return this.write(
      'uploads',
      [],
      uploads.map(one => one.id)
    );
  }

  private async write<S extends 'uploads' | 'folders'>(
    name: S,
    put: (S extends 'uploads' ? IUpload : IFolder)[],
    drop: string[]
  ): Promise<void> {
    const database = await this.database;
    if (!database) {
      return;
    }
    const writing = database.transaction(name, 'readwrite');
    const store = writing.objectStore(name);
    const values = put.map(one => ({ ...one, lab: this.lab }) as ISchema[S]['value']);
    await Promise.all([
      ...values.map(value => store.put(value)),
      ...drop.map(id => store.delete(id)),
      writing.done
    ]);
  }
}

async function open(): Promise<IDBPDatabase<ISchema> | null> {
  try {
    return await openDB<ISchema>('perijove-uploads', 1, {
      upgrade: database => {
        for (const name of STORES) {
          database.createObjectStore(name, { keyPath: 'id' }).createIndex('lab', 'lab');
        }
      }
    });
  } catch (error) {
    console.warn(
      'Unfinished uploads are forgotten with this page: the browser keeps nothing.',
      error
    );
    return null;
  }
}
