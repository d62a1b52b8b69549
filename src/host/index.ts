/** What the command line may use of the host: configuration, and the process that serves. */
export { type ConfigurationFiles, systemFiles } from './configuration-files.ts'
export { type DaemonEvent, type DaemonProcess, runDaemon } from './daemon.ts'
export { checkText, configurationPage, serveHelp } from './describe-configuration.ts'
export {
  type Configuration,
  type ConfigurationFile,
  type ConfigurationSources,
  loadConfiguration,
} from './load-configuration.ts'
