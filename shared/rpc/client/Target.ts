/** Where calls go, as a URL says it: `http://host:port`, `https://host:port` or `dns:///name:port`. */
export interface Target {
  readonly scheme: "http" | "https"
  /** A name or an address, an IPv6 one without its brackets. */
  readonly host: string
  readonly port: number
  /** What requests and certificates name: always the target's own name, never an address that was found for it. */
  readonly authority: string
  /** Whether each address of the name is an endpoint of its own. */
  readonly balanced: boolean
}

/**
 * The target of a URL. `dns:` finds every address of a name (gRPC name syntax, "dns:[//authority/]host[:port]"), and
 * speaks TLS where `secure` says so; the other schemes say it themselves. Throws a sentence for anything else.
 */
export const targetOf = (url: URL, secure: boolean): Target => {
  const refuse = (why: string): never => {
    throw new Error(`${url.protocol}//${url.host}${url.protocol === "dns:" ? url.pathname : ""} is no target: ${why}`)
  }
  switch (url.protocol) {
    case "http:":
      if (secure) return refuse("there are certificates, but http: does not use them")
      return target("http", url.hostname, url.port === "" ? 80 : Number(url.port), false)
    case "https:":
      return target("https", url.hostname, url.port === "" ? 443 : Number(url.port), false)
    case "dns:": {
      const [, name, port] = /^\/?([^/:[\]]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(url.pathname) ?? []
      if (url.host !== "") return refuse("a DNS server cannot be chosen")
      if (name === undefined || Number(port) > 65_535) return refuse("it is not dns:///name:port")
      return target(secure ? "https" : "http", name, Number(port), true)
    }
    default:
      return refuse("only http:, https: and dns: are understood")
  }
}

const target = (scheme: Target["scheme"], hostname: string, port: number, balanced: boolean): Target => ({
  scheme,
  host: hostname.replace(/^\[|\]$/g, ""),
  port,
  authority: `${hostname}:${port}`,
  balanced,
})
