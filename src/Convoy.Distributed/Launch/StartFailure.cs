using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace Convoy.Distributed.Launch;

/// <summary>
/// Why a program could not be started, found by looking at its file: the system's "no such file" may mean the interpreter that a
/// script names, and its "exec format error" anything.
/// </summary>
internal static class StartFailure
{
    private const int NoSuchFile = 2, NoPermission = 13;
    private const int HeaderLength = 4096; // holds a script's first line, an ELF file's header and, as linkers write it, the name of its loader
    private const int ElfInterpreter = 3;
    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    // Programs that read files of these endings, which are not programs themselves.
    private static readonly Dictionary<string, string> Interpreters = new(StringComparer.OrdinalIgnoreCase)
    {
        [".py"] = "python3", [".sh"] = "sh", [".bash"] = "bash", [".pl"] = "perl", [".rb"] = "ruby", [".js"] = "node", [".ps1"] = "pwsh", [".jl"] = "julia", [".r"] = "Rscript", [".jar"] = "java -jar",
    };

    /// <summary>The error to throw for a program that the system refused to start.</summary>
    public static LaunchException Explain(LaunchProgram program, Win32Exception refusal)
    {
        (string reason, string remedy) = Diagnose(program, refusal);
        return new LaunchException($"the program cannot be started ({program.FileName}: {reason}). {remedy}", refusal);
    }

    private static (string Reason, string Remedy) Diagnose(LaunchProgram program, Win32Exception refusal)
    {
        string name = program.FileName;
        if (Directory.Exists(name))
        {
            return ("a folder", "Name the program in it.");
        }

        if (OperatingSystem.IsWindows() || Find(name) is not { } path)
        {
            return refusal.NativeErrorCode == NoSuchFile && !name.Contains('/')
                ? ("no such file here or in PATH", "Check its name, or give its path.")
                : (Described(refusal), "Check its path and that it is executable.");
        }

        byte[] header;
        try
        {
            header = ReadHeader(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return (Described(refusal), "Check its permissions.");
        }

        return DiagnoseFile(program, path, header, refusal);
    }

    private static (string Reason, string Remedy) DiagnoseFile(LaunchProgram program, string path, byte[] header, Win32Exception refusal)
    {
        if (header.Length == 0)
        {
            return ("an empty file", "Build it, or name another one.");
        }

        if (header.AsSpan().StartsWith("MZ"u8))
        {
            return path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase)
                ? ("a .NET assembly, which dotnet runs", Instead("dotnet", program))
                : ("a program for Windows", "Build it for this system.");
        }

        if (header.AsSpan().StartsWith("#!"u8))
        {
            return DiagnoseScript(program, path, header, refusal);
        }

        if (header.AsSpan().StartsWith("\u007fELF"u8))
        {
            return DiagnoseElf(path, header, refusal);
        }

        bool mach = header.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(header) is 0xfeedfacf or 0xcafebabe or 0xbebafeca;
        if (mach && !OperatingSystem.IsMacOS())
        {
            return ("a program for macOS", "Build it for this system.");
        }

        if (Interpreters.TryGetValue(Path.GetExtension(path), out string? interpreter))
        {
            return ($"a file for {interpreter.Split(' ')[0]}, not a program", Instead(interpreter, program));
        }

        return IsExecutable(path)
            ? (refusal.NativeErrorCode == NoPermission ? Described(refusal) : "neither a program of this machine nor a script whose first line names its interpreter, as #!/bin/sh does", "Name the program that runs it.")
            : NotExecutable(path);
    }

    private static (string Reason, string Remedy) DiagnoseScript(LaunchProgram program, string path, byte[] header, Win32Exception refusal)
    {
        int end = Array.IndexOf(header, (byte)'\n');
        string line = Encoding.UTF8.GetString(header, 2, (end < 0 ? header.Length : end) - 2);
        string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        string interpreter = words.Length > 0 ? words[0] : string.Empty;
        if (line.EndsWith('\r'))
        {
            return ($"a script with Windows line endings, for which the system looks for the interpreter \"{interpreter.TrimEnd('\r')}\\r\"", $"Give it Unix line endings: sed -i 's/\\r$//' {Quoted(path)}.");
        }

        if (!IsExecutable(path))
        {
            // env only looks for the interpreter that it is given.
            string real = Path.GetFileName(interpreter) == "env" ? Array.Find(words[1..], word => !word.StartsWith('-')) ?? interpreter : interpreter;
            return NotExecutable(path, $", or write {real} {Quoted(program.FileName)} instead");
        }

        return refusal.NativeErrorCode == NoSuchFile || !File.Exists(interpreter)
            ? ($"a script whose interpreter is missing, \"{interpreter}\"", "Install it, or correct the script's first line.")
            : ($"a script, whose interpreter \"{interpreter}\" cannot be started: {Described(refusal)}", "Correct the script's first line.");
    }

    private static (string Reason, string Remedy) DiagnoseElf(string path, byte[] header, Win32Exception refusal)
    {
        if (ElfMachine(header) is { } machine && machine != ThisMachine)
        {
            return ($"a program for {NameOf(machine)} processors, and this one is {NameOf(ThisMachine)}", "Build it for this machine.");
        }

        if (!IsExecutable(path))
        {
            return NotExecutable(path);
        }

        return refusal.NativeErrorCode == NoSuchFile
            ? (ElfLoader(header) is { } loader ? $"a program whose loader is missing, \"{loader}\"" : "a program whose loader is missing", "Build it for this system, or install the C library that it was built with.")
            : (Described(refusal), "Build it for this machine.");
    }

    private static (string Reason, string Remedy) NotExecutable(string path, string orElse = "") =>
        ("no permission to run it", $"Make it executable: chmod +x {Quoted(path)}{orElse}.");

    private static string Instead(string interpreter, LaunchProgram program) =>
        $"Write {string.Join(' ', ((string[])[interpreter, Quoted(program.FileName), .. program.Arguments.Select(Quoted)]))} instead.";

    private static string Quoted(string word) => word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || "/._-+=:,@%".Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    // Where .NET looks for a program: beside this one, in the current folder, then in PATH.
    private static string? Find(string name)
    {
        if (Path.IsPathRooted(name))
        {
            return File.Exists(name) ? name : null;
        }

        IEnumerable<string> folders = [Path.GetDirectoryName(Environment.ProcessPath) ?? string.Empty, string.Empty];
        if (!name.Contains('/'))
        {
            folders = folders.Concat((Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        }

        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    private static byte[] ReadHeader(string path)
    {
        using FileStream file = File.OpenRead(path);
        var header = new byte[HeaderLength];
        return header[..file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false)];
    }

    private static bool IsExecutable(string path) => OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & AnyExecute) != 0;

    // The ELF numbers of processors; 0 for one that is not listed.
    private static int ThisMachine => RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => 62,
        Architecture.X86 => 3,
        Architecture.Arm64 => 183,
        Architecture.Arm => 40,
        Architecture.S390x => 22,
        Architecture.RiscV64 => 243,
        Architecture.Ppc64le => 21,
        Architecture.LoongArch64 => 258,
        _ => 0,
    };

    private static string NameOf(int machine) => machine switch
    {
        62 => "x86-64",
        3 => "x86",
        183 => "ARM64",
        40 => "ARM",
        22 => "s390x",
        243 => "RISC-V",
        21 => "POWER",
        258 => "LoongArch",
        _ => "other",
    };

    // A 32-bit program of the same family is left to the system, which may be able to run it.
    private static int? ElfMachine(byte[] header)
    {
        if (header.Length < 20)
        {
            return null;
        }

        int machine = header[5] == 2 ? BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(18)) : BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(18));
        return machine == 3 && ThisMachine == 62 ? ThisMachine : machine;
    }

    // Of 64-bit little-endian files: the program header of type 3 says where the loader's path lies.
    private static string? ElfLoader(byte[] header)
    {
        if (header.Length < 64 || header[4] != 2 || header[5] != 1)
        {
            return null;
        }

        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(32));
        int size = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(54)), count = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(56));
        for (ulong entry = table; count > 0 && size >= 56 && entry <= (ulong)header.Length && (ulong)size <= (ulong)header.Length - entry; entry += (ulong)size, count--)
        {
            ReadOnlySpan<byte> fields = header.AsSpan((int)entry, size);
            ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(fields[8..]), length = BinaryPrimitives.ReadUInt64LittleEndian(fields[32..]);
            if (BinaryPrimitives.ReadUInt32LittleEndian(fields) == ElfInterpreter && offset < (ulong)header.Length && length > 1 && length <= (ulong)header.Length - offset)
            {
                return Encoding.UTF8.GetString(header, (int)offset, (int)length - 1);
            }
        }

        return null;
    }

    private static string Described(Win32Exception refusal) => refusal.NativeErrorCode switch
    {
        NoSuchFile => "no such file",
        NoPermission => "no permission to run it",
        8 => "not a program of this machine",
        _ => refusal.Message,
    };
}
