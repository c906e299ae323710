using System.Text.Json;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Login;

/// <summary>
/// The login of one instance, in <c>login.json</c> of its folder, and the lock under which it changes. It is kept
/// there, not in the person's configuration folder, whoever the authority is: a login is for the gateways that
/// <c>--instance</c> names, two instances have two, and <c>down --wipe</c> leaves none behind.
/// </summary>
internal sealed class LoginStore(Instance instance, TimeProvider time)
{
    private const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int fileBytesMax = 256 << 10;

    /// <summary>Longer than a renewal may take: discovery and one more call to the authority.</summary>
    private static readonly TimeSpan lockTime = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan lockPoll = TimeSpan.FromMilliseconds(25);

    public string InstanceName => instance.Name;

    public string Path => instance.LoginFile;

    /// <summary>What a command to this instance needs behind it.</summary>
    public string Option => Instance.Option(instance.Name);

    /// <summary>
    /// Waits for the one command that may change the login: it is read, renewed and written under this lock, so that
    /// no two commands spend one refresh token, which an authority that rotates them takes for theft. The lock ends
    /// with its process.
    /// </summary>
    public async Task<IDisposable> LockAsync(CancellationToken cancellation)
    {
        Directory.CreateDirectory(instance.Folder);
        long start = time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(instance.LoginLock, new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                    UnixCreateMode = ownerOnly,
                });
            }
            catch (IOException e) when (time.GetElapsedTime(start) >= lockTime)
            {
                throw new CommandFailure(ExitCode.Failed,
                    $"Another command has held {instance.LoginLock} for {lockTime.TotalSeconds:0} s: {e.Message}")
                {
                    Hints = ["Wait until it is done, or end it."],
                };
            }
            catch (IOException)
            {
                await Task.Delay(lockPoll, time, cancellation);
            }
        }
    }

    /// <summary>Null when nobody is logged in. Refused when others can read the file, or it is damaged.</summary>
    public StoredLogin? Read()
    {
        try
        {
            using FileStream stream = File.OpenRead(Path);
            // Of the opened file: whatever lies at the path a moment later is another matter.
            UnixFileMode mode = File.GetUnixFileMode(stream.SafeFileHandle);
            if ((mode & ~(ownerOnly | UnixFileMode.UserExecute)) != 0)
            {
                throw new CommandFailure(ExitCode.Failed,
                    $"{Path} may be read by others (mode {Convert.ToString((int)mode, 8)}, not 600): it is not used.")
                {
                    Hints =
                    [
                        $"Its tokens may be known: end the session, ./lepton logout{Option}, and log in again, "
                            + $"./lepton login{Option}.",
                        $"If nobody else uses this machine: chmod 600 {Path}",
                    ],
                };
            }

            return Parse(stream);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The same whatever its mode, for ending the session; null also when it is damaged.</summary>
    public StoredLogin? ReadToEnd()
    {
        try
        {
            using FileStream stream = File.OpenRead(Path);
            return Parse(stream);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or CommandFailure)
        {
            return null;
        }
    }

    public bool Exists => File.Exists(Path);

    /// <summary>Call it under the lock. A reader sees the old file or the new one; no moment is it readable by
    /// others.</summary>
    public void Write(StoredLogin login)
    {
        string temporary = Path + ".new";
        File.Delete(temporary);
        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = ownerOnly,
        };
        using (FileStream stream = new(temporary, options))
        {
            JsonSerializer.Serialize(stream, login, LoginJson.Default.StoredLogin);
            stream.Flush(flushToDisk: true); // the former refresh token is spent: losing this one ends the session
        }

        File.Move(temporary, Path, overwrite: true);
    }

    /// <summary>Call it under the lock.</summary>
    public void Remove()
    {
        if (Directory.Exists(instance.Folder))
        {
            File.Delete(Path);
        }
    }

    private StoredLogin Parse(FileStream stream)
    {
        try
        {
            StoredLogin? login = stream.Length <= fileBytesMax
                ? JsonSerializer.Deserialize(stream, LoginJson.Default.StoredLogin)
                : null;
            return login ?? throw new JsonException();
        }
        catch (JsonException)
        {
            // Without the parser's message: it may quote what it could not read.
            throw new CommandFailure(ExitCode.Failed, $"{Path} is damaged.")
            {
                Hints = [$"Log in again: ./lepton login{Option}, or remove it: ./lepton logout{Option}"],
            };
        }
    }
}
