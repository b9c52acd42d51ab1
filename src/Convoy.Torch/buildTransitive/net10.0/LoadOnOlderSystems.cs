// Compiled twice: at build time by the inline task in Convoy.Torch.targets, which takes one file, and into the
// tests. It therefore holds the task with its ELF reading, and keeps to C# 7.3 and netstandard2.0.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;

namespace Convoy.NativeCompatibility
{
    /// <summary>
    /// MSBuild task: writes a copy of TorchSharp's native library that also loads on systems whose C++ runtime is older
    /// than GCC 13 (Debian 12, Ubuntu 22.04). The original, which lies in the package cache, is only read.
    /// </summary>
    public class LoadOnOlderSystems : Microsoft.Build.Utilities.Task
    {
        // The one requirement: GCC 13's headers add this initialiser, which older runtimes do without.
        private const string Version = "GLIBCXX_3.4.32";
        private const string Symbol = "_ZSt21ios_base_library_initv";

        /// <summary>The library as restored.</summary>
        [Required]
        public string Source { get; set; }

        /// <summary>Where the copy goes.</summary>
        [Required]
        public string Destination { get; set; }

        public override bool Execute()
        {
            try
            {
                byte[] library = File.ReadAllBytes(Source);
                ElfVersionOutcome outcome = ElfVersionRequirement.MakeWeak(library, Version, Symbol);
                Directory.CreateDirectory(Path.GetDirectoryName(Destination));
                string unfinished = Destination + ".tmp";
                File.WriteAllBytes(unfinished, library);
                File.Delete(Destination);
                File.Move(unfinished, Destination);
                Log.LogMessage(MessageImportance.Low, "{0}: {1} {2}", Source, Version, outcome);
                return true;
            }
            catch (InvalidDataException refusal)
            {
                Log.LogError("{0}: {1}. Restore the TorchSharp package again (delete its folder in the package cache), or set ConvoyNativeCompatibility=false to use the file as it is.", Source, refusal.Message);
                return false;
            }
            catch (Exception failure) when (failure is IOException || failure is UnauthorizedAccessException)
            {
                Log.LogError("{0}: a copy that loads on older systems could not be written to {1}: {2}", Source, Destination, failure.Message);
                return false;
            }
        }
    }

    /// <summary>What <see cref="ElfVersionRequirement.MakeWeak"/> found.</summary>
    public enum ElfVersionOutcome
    {
        /// <summary>The requirement was strong and is now weak.</summary>
        Changed,

        /// <summary>The requirement was weak already; the bytes are as they were.</summary>
        AlreadyWeak,

        /// <summary>The library does not ask for that version; the bytes are as they were.</summary>
        NotRequired,
    }

    /// <summary>
    /// Marks one symbol version that an ELF library asks for as weak (VER_FLG_WEAK), so that the dynamic loader
    /// accepts a system library that lacks it. Format: "Linux Standard Base, Symbol Versioning" and elf(5).
    /// </summary>
    public static class ElfVersionRequirement
    {
        private const uint SectionDynamicSymbols = 11;
        private const uint SectionVersionNeeds = 0x6ffffffe;
        private const uint SectionVersionIndexes = 0x6fffffff;
        private const ushort FlagWeak = 0x2;

        /// <summary>
        /// Marks <paramref name="version"/> as weak in <paramref name="file"/> when the only symbol that carries it is
        /// <paramref name="onlySymbol"/>.
        /// </summary>
        /// <exception cref="InvalidDataException">
        /// The bytes are no whole x86-64 ELF library, or another symbol carries the version too. Nothing was changed.
        /// </exception>
        public static ElfVersionOutcome MakeWeak(byte[] file, string version, string onlySymbol)
        {
            List<Section> sections = ReadSections(file);
            Section needs = sections.Find(s => s.Type == SectionVersionNeeds);
            if (needs == null)
            {
                return ElfVersionOutcome.NotRequired;
            }

            int entry = FindEntry(file, needs, sections[needs.Link], version);
            if (entry < 0)
            {
                return ElfVersionOutcome.NotRequired;
            }

            ushort flags = U16(file, entry + 4);
            if ((flags & FlagWeak) != 0)
            {
                return ElfVersionOutcome.AlreadyWeak;
            }

            RequireOnlySymbol(file, sections, U16(file, entry + 6), version, onlySymbol);
            flags |= FlagWeak;
            file[entry + 4] = (byte)flags;
            file[entry + 5] = (byte)(flags >> 8);
            return ElfVersionOutcome.Changed;
        }

        private static List<Section> ReadSections(byte[] file)
        {
            if (file.Length < 64 || file[0] != 0x7f || file[1] != 'E' || file[2] != 'L' || file[3] != 'F')
            {
                throw new InvalidDataException("not an ELF file");
            }

            const int Class64 = 2, LittleEndian = 1, MachineX64 = 62;
            if (file[4] != Class64 || file[5] != LittleEndian || U16(file, 18) != MachineX64)
            {
                throw new InvalidDataException("not a 64-bit x86-64 ELF file");
            }

            ulong tableStart = U64(file, 40);
            int size = U16(file, 58), count = U16(file, 60);
            if (size != 64 || count == 0 || tableStart > (ulong)file.Length || (ulong)(size * count) > (ulong)file.Length - tableStart)
            {
                throw new InvalidDataException("cut short: its section table lies outside the file");
            }

            var sections = new List<Section>(count);
            for (int i = 0; i < count; i++)
            {
                int at = (int)tableStart + (i * size);
                const uint NoBits = 8;
                uint type = U32(file, at + 4);
                ulong offset = U64(file, at + 24), length = U64(file, at + 32);
                if (type != NoBits && (offset > (ulong)file.Length || length > (ulong)file.Length - offset))
                {
                    throw new InvalidDataException("cut short: section " + i + " lies outside the file");
                }

                uint link = U32(file, at + 40);
                if (link >= count)
                {
                    throw new InvalidDataException("section " + i + " refers to a section that does not exist");
                }

                bool held = type != NoBits;
                sections.Add(new Section { Type = type, Offset = held ? (int)offset : 0, Length = held ? (int)length : 0, Link = (int)link });
            }

            return sections;
        }

        // Verneed: u16 version, u16 count, u32 file, u32 aux, u32 next.  Vernaux: u32 hash, u16 flags, u16 index, u32 name, u32 next.
        private static int FindEntry(byte[] file, Section needs, Section names, string version)
        {
            int need = needs.Offset;
            while (true)
            {
                Within(needs, need, 16);
                int entries = U16(file, need + 2);
                int entry = need;
                uint step = U32(file, need + 8);
                for (int i = 0; i < entries; i++)
                {
                    entry = Forward(needs, entry, step);
                    if (Name(file, names, U32(file, entry + 8)) == version)
                    {
                        return entry;
                    }

                    step = U32(file, entry + 12);
                }

                uint next = U32(file, need + 12);
                if (next == 0)
                {
                    return -1;
                }

                need = Forward(needs, need, next);
            }
        }

        // Only forward: a list that led back would have no end.
        private static int Forward(Section section, int at, uint step)
        {
            if (step == 0 || step > (uint)section.Length)
            {
                throw new InvalidDataException("a list of entries leads out of its section or back into itself");
            }

            int next = at + (int)step;
            Within(section, next, 16);
            return next;
        }

        private static void RequireOnlySymbol(byte[] file, List<Section> sections, ushort versionIndex, string version, string onlySymbol)
        {
            Section symbols = sections.Find(s => s.Type == SectionDynamicSymbols);
            Section indexes = sections.Find(s => s.Type == SectionVersionIndexes);
            if (symbols == null || indexes == null)
            {
                throw new InvalidDataException("has version requirements but no dynamic symbols");
            }

            for (int i = 0; i < indexes.Length / 2; i++)
            {
                if ((U16(file, indexes.Offset + (2 * i)) & 0x7fff) != versionIndex)
                {
                    continue;
                }

                int symbol = symbols.Offset + (24 * i);
                Within(symbols, symbol, 24);
                string name = Name(file, sections[symbols.Link], U32(file, symbol));
                if (name != onlySymbol)
                {
                    throw new InvalidDataException("symbol " + name + " needs " + version + " as well, so the requirement is a real one");
                }
            }
        }

        private static string Name(byte[] file, Section names, uint offset)
        {
            if (offset >= names.Length)
            {
                throw new InvalidDataException("a name lies outside its table");
            }

            int start = names.Offset + (int)offset;
            int end = Array.IndexOf(file, (byte)0, start, names.Length - (int)offset);
            return Encoding.ASCII.GetString(file, start, (end < 0 ? names.Offset + names.Length : end) - start);
        }

        private static void Within(Section section, int at, int length)
        {
            if (at < section.Offset || at > section.Offset + section.Length - length)
            {
                throw new InvalidDataException("an entry lies outside its section");
            }
        }

        private static ushort U16(byte[] file, int at) => (ushort)(file[at] | (file[at + 1] << 8));

        private static uint U32(byte[] file, int at) => U16(file, at) | ((uint)U16(file, at + 2) << 16);

        private static ulong U64(byte[] file, int at) => U32(file, at) | ((ulong)U32(file, at + 4) << 32);

        private sealed class Section
        {
            public uint Type;
            public int Offset;
            public int Length;
            public int Link;
        }
    }
}
