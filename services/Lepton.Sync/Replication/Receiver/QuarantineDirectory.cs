namespace Lepton.Sync.Replication.Receiver;

/// <summary>Damaged rows as files <c>NAME.row</c> in a folder that only its owner may read.</summary>
internal sealed class QuarantineDirectory(string path) : IQuarantineFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public void Save(string name, ReadOnlySpan<byte> row)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        using FileStream file = new(Path.Combine(path, name + ".row"), new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly,
        });
        file.Write(row);
    }
}
