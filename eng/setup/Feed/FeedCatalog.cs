namespace Lepton.Setup.Feed;

/// <summary>
/// The packages that Lepton may take from the Aspire bundle, with the metadata that their publishers give them.
/// Only those that the user's NuGet sources lack are packed; a version here is the one inside the bundle.
/// </summary>
internal static class FeedCatalog
{
    private const string Apache = "Apache-2.0";
    private const string Mit = "MIT";
    private const string GrpcAuthors = "The gRPC Authors";
    private const string Grpc = "2.80.0";
    private const string Identity = "8.19.2";
    private const string Microsoft = "Microsoft";
    private const string AspNetCore = "Microsoft.AspNetCore.App";

    public static IReadOnlyList<FeedPackage> Packages { get; } =
    [
        new("Google.Protobuf", "3.34.1", "BSD-3-Clause", "Google Inc."),
        new("Grpc.Core.Api", Grpc, Apache, GrpcAuthors),
        new("Grpc.Net.Common", Grpc, Apache, GrpcAuthors, new FeedDependency("Grpc.Core.Api", Grpc)),
        new("Grpc.Net.Client", Grpc, Apache, GrpcAuthors,
            new FeedDependency("Grpc.Net.Common", Grpc),
            new FeedDependency("Microsoft.Extensions.Logging.Abstractions", "8.0.0")),
        new("Grpc.Net.ClientFactory", Grpc, Apache, GrpcAuthors,
            new FeedDependency("Grpc.Net.Client", Grpc),
            new FeedDependency("Microsoft.Extensions.Http", "8.0.0")),
        new("Grpc.AspNetCore.Server", Grpc, Apache, GrpcAuthors, new FeedDependency("Grpc.Net.Common", Grpc))
        {
            FrameworkReference = AspNetCore,
        },
        new("Grpc.AspNetCore.Server.ClientFactory", Grpc, Apache, GrpcAuthors,
            new FeedDependency("Grpc.AspNetCore.Server", Grpc),
            new FeedDependency("Grpc.Net.ClientFactory", Grpc))
        {
            FrameworkReference = AspNetCore,
        },
        new("Grpc.AspNetCore", Grpc, Apache, GrpcAuthors,
            new FeedDependency("Google.Protobuf", "3.34.1"),
            new FeedDependency("Grpc.AspNetCore.Server.ClientFactory", Grpc),
            new FeedDependency("Grpc.Tools", Grpc, Include: "All"))
        {
            FrameworkReference = AspNetCore,
        },
        new("OpenTelemetry.Extensions.Hosting", "1.15.3", Apache, "OpenTelemetry Authors",
            new FeedDependency("Microsoft.Extensions.Hosting.Abstractions", "10.0.0"),
            new FeedDependency("OpenTelemetry", "1.15.3")),
        new("System.IO.Hashing", "10.0.8", Mit, Microsoft),
        new("Microsoft.AspNetCore.Authentication.Certificate", "10.0.11", Mit, Microsoft)
        {
            FrameworkReference = AspNetCore,
        },
        .. IdentityModel,
        .. JsonRpc,
    ];

    private static IEnumerable<FeedPackage> IdentityModel =>
    [
        new("Microsoft.Bcl.Cryptography", "10.0.2", Mit, Microsoft),
        new("Microsoft.IdentityModel.Abstractions", Identity, Mit, Microsoft),
        new("Microsoft.IdentityModel.Logging", Identity, Mit, Microsoft,
            new FeedDependency("Microsoft.IdentityModel.Abstractions", Identity)),
        new("Microsoft.IdentityModel.Tokens", Identity, Mit, Microsoft,
            new FeedDependency("Microsoft.Bcl.Cryptography", "10.0.2"),
            new FeedDependency("Microsoft.Extensions.Logging.Abstractions", "8.0.0"),
            new FeedDependency("Microsoft.IdentityModel.Logging", Identity)),
        new("Microsoft.IdentityModel.JsonWebTokens", Identity, Mit, Microsoft,
            new FeedDependency("Microsoft.IdentityModel.Tokens", Identity)),
        new("Microsoft.IdentityModel.Protocols", Identity, Mit, Microsoft,
            new FeedDependency("Microsoft.IdentityModel.Tokens", Identity)),
        new("System.IdentityModel.Tokens.Jwt", Identity, Mit, Microsoft,
            new FeedDependency("Microsoft.IdentityModel.JsonWebTokens", Identity),
            new FeedDependency("Microsoft.IdentityModel.Tokens", Identity)),
        new("Microsoft.IdentityModel.Protocols.OpenIdConnect", Identity, Mit, Microsoft,
            new FeedDependency("Microsoft.IdentityModel.Protocols", Identity),
            new FeedDependency("System.IdentityModel.Tokens.Jwt", Identity)),
    ];

    private static IEnumerable<FeedPackage> JsonRpc =>
    [
        new("MessagePack.Annotations", "2.5.302", Mit, "neuecc,aarnott"),
        new("Microsoft.NET.StringTools", "18.4.0", Mit, Microsoft),
        new("MessagePack", "2.5.302", Mit, "neuecc,aarnott",
            new FeedDependency("MessagePack.Annotations", "2.5.302"),
            new FeedDependency("Microsoft.NET.StringTools", "18.4.0")),
        new("Microsoft.VisualStudio.Validation", "17.13.22", Mit, Microsoft),
        new("Microsoft.VisualStudio.Threading.Only", "17.14.15", Mit, Microsoft,
            new FeedDependency("Microsoft.VisualStudio.Validation", "17.13.22")),
        new("PolyType", "1.3.1", Mit, "Eirik Tsarpalis"),
        new("Nerdbank.MessagePack", "1.2.4", Mit, "Andrew Arnott",
            new FeedDependency("Microsoft.NET.StringTools", "18.4.0"),
            new FeedDependency("Microsoft.VisualStudio.Validation", "17.13.22"),
            new FeedDependency("PolyType", "1.3.1")),
        new("Nerdbank.Streams", "2.13.16", Mit, "Andrew Arnott",
            new FeedDependency("Microsoft.VisualStudio.Threading.Only", "17.14.15"),
            new FeedDependency("Microsoft.VisualStudio.Validation", "17.13.22")),
        new("Newtonsoft.Json", "13.0.4", Mit, "James Newton-King"),
        new("StreamJsonRpc", "2.25.29", Mit, Microsoft,
            new FeedDependency("MessagePack", "2.5.302"),
            new FeedDependency("Microsoft.VisualStudio.Threading.Only", "17.14.15"),
            new FeedDependency("Microsoft.VisualStudio.Validation", "17.13.22"),
            new FeedDependency("Nerdbank.MessagePack", "1.2.4"),
            new FeedDependency("Nerdbank.Streams", "2.13.16"),
            new FeedDependency("Newtonsoft.Json", "13.0.4")),
    ];
}
