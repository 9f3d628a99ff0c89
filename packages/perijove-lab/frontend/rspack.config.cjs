// Types are checked by `tsc` (npm run check); a build only takes them off, so that it needs none of
// JupyterLab's packages: the running lab brings those.
module.exports = {
  resolve: { extensions: ['.tsx', '.ts', '.js'] },
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        loader: 'builtin:swc-loader',
        options: {
          jsc: {
            parser: { syntax: 'typescript', tsx: true },
            target: 'es2022',
            transform: { react: { runtime: 'classic' } }
          }
        }
      }
    ]
  }
};
