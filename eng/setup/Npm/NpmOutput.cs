using Lepton.Setup.Outputs;

namespace Lepton.Setup.Npm;

/// <summary>A folder made from npm packages: stale when a package's pinned hash or the recipe changes.</summary>
/// <param name="Name">What the progress line says.</param>
/// <param name="Directory">The folder to make.</param>
/// <param name="Fill">Fills the given folder from the installed packages; may move files out of them.</param>
internal sealed record NpmOutput(
    string Name, OutputDirectory Directory, Func<NpmInstall, string, CancellationToken, Task> Fill);
