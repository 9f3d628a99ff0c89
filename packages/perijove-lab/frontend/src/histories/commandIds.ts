/** The commands of the histories panel. */
export const CommandIDs = {
  show: 'perijove:show-histories',
  refresh: 'perijove:refresh-histories',
  create: 'perijove:create-history',
  rename: 'perijove:rename-history',
  remove: 'perijove:delete-history',
  undelete: 'perijove:undelete-history',
  share: 'perijove:share-history',
  archive: 'perijove:download-history',
  upload: 'perijove:upload-files',
  put: 'perijove:put-into-history',
  preview: 'perijove:preview-dataset',
  insert: 'perijove:insert-get',
  copyToLab: 'perijove:get-into-lab',
  download: 'perijove:download-dataset',
  renameContent: 'perijove:rename-dataset',
  tags: 'perijove:tag-dataset',
  removeContent: 'perijove:delete-dataset',
  undeleteContent: 'perijove:undelete-dataset',
  build: 'perijove:build-collection',
  provenance: 'perijove:show-provenance',
  showDataset: 'perijove:show-dataset'
} as const;
