/// A certificate for `localhost` that nobody trusts, until the year 2120, and its key.
package enum TestCertificate {
    package static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBRzCB7qADAgECAgEBMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCWxvY2FsaG9z
        dDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFDESMBAGA1UEAwwJ
        bG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZti0X6bl9ERCzARt
        /jVxrCpFTrm/lEeH7XqVGBSprFxAk/U+xWo+50Ku5JX8mnK3rd8lw0hi3p3GSORN
        O3Iw+KMvMC0wGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQF
        MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAIFxqHLlMhDD8iPQ2oelBdIyKu6ubhwv
        z/YMXkYqWVVwAiBYZHPNc6fOL6Uq3C2Bu0ip51TPH2+jB6jE5dEBczp5Eg==
        -----END CERTIFICATE-----

        """

    package static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPsFNcFZsq5/y/s4k
        gfq4tN0YQ7baSz3yipXlcTWfEH2hRANCAARm2LRfpuX0RELMBG3+NXGsKkVOub+U
        R4ftepUYFKmsXECT9T7Faj7nQq7klfyacret3yXDSGLencZI5E07cjD4
        -----END PRIVATE KEY-----

        """
}
