namespace Lepton.Setup.Feed;

/// <summary>A package this one needs.</summary>
/// <param name="Include">NuGet's include attribute; null is NuGet's default for a dependency.</param>
internal sealed record FeedDependency(string Id, string Version, string? Include = null);

/// <summary>A NuGet package whose assemblies lie in the Aspire bundle.</summary>
/// <param name="License">SPDX expression, as the published package states it.</param>
/// <param name="Dependencies">As the published package has them for the packed target framework.</param>
internal sealed record FeedPackage(
    string Id, string Version, string License, string Authors, params IReadOnlyList<FeedDependency> Dependencies)
{
    /// <summary>The shared framework that a consumer needs too, or null.</summary>
    public string? FrameworkReference { get; init; }

    /// <summary>For a package without an assembly of its own, which only pulls in others.</summary>
    public string TargetFramework { get; init; } = "net10.0";

    public string FileName => $"{Id}.{Version}.nupkg";
}
